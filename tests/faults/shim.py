"""faults.c from Python's side: compiled, told what to do, and read."""
import mmap
import pathlib
import shutil
import struct
import subprocess
import threading
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def compile_shim(folder):
    """The library to preload; skips where it cannot be made."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("gcc is not installed")
    library = folder / "faults.so"
    subprocess.run([compiler, "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
                    "-o", library, *HERE.glob("*.c"), "-ldl", "-lpthread"],
                   check=True)
    return library


class Page:
    """The memory that this process, the server and the workers share: `struct page` in faults.c."""

    HEAD = 64
    POINT = struct.Struct("56sQ")
    COUNT = 255

    def __init__(self, path):
        self.path = pathlib.Path(path)
        size = self.HEAD + self.COUNT * self.POINT.size
        with open(self.path, "a+b") as file:
            file.truncate(size)
            self.memory = mmap.mmap(file.fileno(), size)
        self.lock = threading.Lock()

    def _number(at):  # noqa: N805
        def get(self):
            return struct.unpack_from("q", self.memory, at)[0]

        def put(self, value):
            struct.pack_into("q", self.memory, at, value)

        return property(get, put)

    wall_ms = _number(0)  # what the server's clocks are ahead by
    boot_ms = _number(8)
    calm = _number(16)  # workers do as they should

    def now(self):
        """Seconds of the server's clock for deadlines; CLOCK_BOOTTIME is the same for all."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) + self.boot_ms / 1000

    def pass_time(self, seconds):
        """As if the machine had slept."""
        with self.lock:
            self.boot_ms += int(seconds * 1000)
            self.wall_ms += int(seconds * 1000)

    def points(self):
        """How often each point was passed since forget()."""
        counts = {}
        for i in range(self.COUNT):
            name, passed = self.POINT.unpack_from(self.memory, self.HEAD + i * self.POINT.size)
            if passed:
                counts[name.split(b"\0")[0].decode()] = passed
        return counts

    def forget(self):
        end = self.HEAD + self.COUNT * self.POINT.size
        self.memory[self.HEAD:end] = bytes(end - self.HEAD)


class Faults:
    """What goes wrong in a server: `crash_at` and `fail_at` are "point:n", the rest are mistakes."""

    def __init__(self, crash_at="", fail_at="", bug="", sql=(), late_commit=False):
        self.environment = {}
        texts = {"FAULTS_CRASH_AT": crash_at, "FAULTS_FAIL_AT": fail_at, "FAULTS_BUG": bug,
                 "FAULTS_LATE_COMMIT": "1" if late_commit else "",
                 "FAULTS_SQL": "\x1e".join(f"{find}\x1f{put}" for find, put in sql)}
        self.environment = {name: value for name, value in texts.items() if value}
        self.changes = max(len(sql), late_commit)

    def were_made(self, page):
        """Whether every change to a statement found its place."""
        points = page.points()
        return all(f"sql{i}.change.done" in points for i in range(self.changes))
