"""EIO from the disk. After a sync that failed nobody knows what is on it: the server ends with 70, and
finds out when it is started again.
"""
import random

import pytest

from load import Load, seed_from_environment
from service import wait_until
from shim import Faults
from verdict import judge

DISK_FAILED = 70
POINTS = ["wal.pwrite.before", "wal.fdatasync.before", "incoming.fsync.before",
          "result_folder.fsync.before", "upload_folder.fsync.before"]


@pytest.fixture(scope="module")
def aftermath(make_service, tmp_path_factory):
    """How a server under load has ended at each of the points, and what was broken by that."""
    seed = seed_from_environment("disk errors")
    rng = random.Random(seed)
    codes = {}
    journals = tmp_path_factory.mktemp("disk") / "journals"
    with Load(make_service(), journals, seed, pause=0.01, not_now=(500, 503, 507)) as load:
        service = load.service
        for point in POINTS:
            service.kill()
            service.start(Faults(fail_at=f"{point}:{rng.randint(20, 40)}"))
            wait_until(lambda: not service.is_up(), 30)
            codes[point] = service.process.poll()
        service.kill()
        service.start()
        return codes, judge(load)[1]


@pytest.mark.parametrize("point", POINTS)
def test_a_server_whose_disk_fails_ends(aftermath, point):
    assert aftermath[0][point] == DISK_FAILED


def test_nothing_that_was_promised_is_lost(aftermath):
    assert aftermath[1] == [], "\n".join(map(str, aftermath[1][:20]))
