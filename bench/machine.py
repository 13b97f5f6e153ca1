"""How busy the machine is with what is not ours: a measure that others disturbed is made again."""
import os
import pathlib
import resource
import time

TICKS = os.sysconf("SC_CLK_TCK")
CALM = 0.1  # of all cores


def busy_seconds():
    """Of all cores together, since the start of the machine."""
    with open("/proc/stat", encoding="utf-8") as file:
        user, nice, system, _, _, irq, softirq = map(int, file.readline().split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS


def own_seconds():
    """Of the processor, that this process and its children have used, dead or alive."""
    dead = resource.getrusage(resource.RUSAGE_CHILDREN)
    ticks = 0
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except OSError:  # it has ended
            continue
        if int(fields[1]) == os.getpid():
            ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + dead.ru_utime + dead.ru_stime + ticks / TICKS


class Others:
    """The share of the machine that others have had since this was made."""

    def __init__(self):
        self.begin = time.monotonic()
        self.busy = busy_seconds() - own_seconds()

    def share(self):
        used = busy_seconds() - own_seconds() - self.busy
        return max(0.0, used / (time.monotonic() - self.begin) / os.cpu_count())


def wait_for_calm(patience):
    """Until others leave the machine alone, for at most so many seconds."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        others = Others()
        time.sleep(0.3)
        if others.share() < CALM:
            return
