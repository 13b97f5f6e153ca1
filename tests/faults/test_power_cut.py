"""Power is lost at random moments. kill -9 cannot find what this finds: the kernel keeps what a dead
process has written.

`make faults N=…` scales how many (10); ZOETROPE_SEED says which moments.
"""
import random
import time

import pytest

import scenarios
from load import Load, how_many, rounds, seed_from_environment
from power_cut import cut, make_disk_or_skip
from shim import Faults
from verdict import judge

CUTS = rounds(how_many(10, 0.2), 100)
MOST_CUTS = 10  # until a mistake is found


@pytest.fixture()
def disk(tmp_path):
    made = make_disk_or_skip(tmp_path)
    yield made
    made.remove()


def cut_at_random(load, disk, make_service, rng, count):
    """The violations of each cut."""
    for number in range(count):
        time.sleep(0.1 + rng.random() * 0.4)
        yield cut(load, disk, make_service, number)


@pytest.mark.parametrize("cuts", CUTS)
def test_nothing_that_was_promised_is_lost_with_the_power(cuts, disk, make_service, tmp_path):
    seed = seed_from_environment("power cuts")
    service = make_service(data=disk.folder / "data")
    with Load(service, tmp_path / "journals", seed) as load:
        for violations in cut_at_random(load, disk, make_service, random.Random(seed), cuts):
            assert violations == [], "\n".join(map(str, violations[:20]))
        history, violations = judge(load)
    print(f"{cuts} cuts; {history.summary()}")
    assert violations == [], "\n".join(map(str, violations[:20]))
    assert len(history.accepted) > cuts, "too few tasks to say anything"


BUGS = {
    "nothing_is_synced": (Faults(bug="no_fsync"), {"I1"}),
    "synchronous_is_normal": (Faults(sql=[("synchronous = FULL", "synchronous = NORMAL")]), {"I1"}),
    "results_are_not_synced": (Faults(bug="no_result_fsync"), {"I5"}),
    "folders_are_not_synced": (Faults(bug="no_folder_fsync"), {"I1", "I5"}),
}


@pytest.mark.parametrize("name", BUGS)
def test_the_harness_finds(name, disk, make_service, tmp_path):
    faults, broken = BUGS[name]
    seed = seed_from_environment(name)
    service = make_service(data=disk.folder / "data")
    with Load(service, tmp_path / "journals", seed) as load:
        service.kill()
        service.start(faults)  # what a first start makes is on the disk
        for violations in cut_at_random(load, disk, make_service, random.Random(seed), MOST_CUTS):
            if broken & {violation.number for violation in violations}:
                assert faults.were_made(load.page)
                return
    pytest.fail(f"{MOST_CUTS} cuts have found nothing")


def test_kills_do_not_find_what_is_not_synced(make_service, tmp_path):
    """Which is why there are power cuts."""
    seed = seed_from_environment("kills without a sync")
    service = make_service(faults=Faults(bug="no_fsync"))
    with Load(service, tmp_path / "journals", seed) as load:
        scenarios.kills(load, random.Random(seed), 10)
        _, violations = judge(load)
    assert violations == [], "\n".join(map(str, violations[:20]))
