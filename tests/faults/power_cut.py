"""A loss of power, as the disk sees it: what was not synced is not in a copy of the image.

The server's data lies on an ext4 of its own in a file behind a loop device. The server is stopped,
the file is copied and mounted elsewhere, and another server has to make sense of it. The kernel goes
on writing back while the file is copied, so that the copy is not of one moment; a file system with a
journal bears that, as it bears a disk that had some of the last writes done.
"""
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from checker import Present, Violation, damage, violations
from journal import History, sizes_of
from service import GONE

SIZE = 3 << 30  # a server leaves 1 GB of its disk alone; the file is sparse
MKFS = ["mkfs.ext4", "-q", "-F", "-m", "0", "-N", "16384", "-J", "size=8",
        "-E", "lazy_itable_init=1,lazy_journal_init=1"]
IN_FLIGHT_SECONDS = 0.05  # answers that were sent are read, and written down


def run(*command):
    subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True,
                   timeout=60)


class Disk:
    """A mounted image. Nothing reaches it by itself: its journal is committed every 5 minutes, or
    when somebody syncs.
    """

    def __init__(self, image, folder):
        self.image = image
        self.folder = folder
        folder.mkdir()
        run("mount", "-o", "loop,commit=300", image, folder)

    @staticmethod
    def make(image):
        with open(image, "wb") as file:
            file.truncate(SIZE)
        run(*MKFS, image)
        return Disk(image, image.with_suffix(".mounted"))

    def copy(self, image):
        run("cp", "--sparse=always", self.image, image)

    def remove(self):
        run("umount", self.folder)
        self.folder.rmdir()
        self.image.unlink()


def make_disk_or_skip(folder):
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("mkfs.ext4 is not installed")
    try:
        return Disk.make(folder / "disk.ext4")
    except (subprocess.SubprocessError, OSError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip()
        pytest.skip(f"an image cannot be mounted through a loop device here: {said}")


def cut(load, disk, make_service, number):
    """What is wrong with the promises after power was lost at this moment."""
    image = disk.image.with_name(f"cut-{number}.ext4")
    load.service.signal(signal.SIGSTOP)
    time.sleep(IN_FLIGHT_SECONDS)
    disk.copy(image)
    sizes = sizes_of(load.folder)
    load.service.signal(signal.SIGCONT)
    copy = Disk(image, image.with_suffix(".mounted"))
    service = make_service(data=copy.folder / load.service.data.name)
    service.key = load.service.key
    service.page.wall_ms = load.page.wall_ms
    try:
        return check(service, History(load.folder, sizes))
    finally:
        service.kill()
        copy.remove()


def check(service, history):
    try:
        service.start()
        present = Present(service.client(), history)
        found = violations(history, present, "told")
        assert service.stop() == 0, f"it does not end in order\n{service.tail()}"
    except (AssertionError, *GONE) as error:
        return [Violation("I1", f"nothing can be made of what is left: {error}")]
    return found + [Violation("I1", f"the database is damaged: {line}")
                    for line in damage(pathlib.Path(service.data) / "zoetrope.db")]
