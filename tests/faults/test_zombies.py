"""SIGSTOP for longer than the lease, and clocks that jump: nothing of an old attempt counts.

ZOETROPE_ZOMBIES says how many workers are stopped (48).
"""
import os
import random

import scenarios
from load import Load, seed_from_environment
from verdict import judge

ZOMBIES = int(os.environ.get("ZOETROPE_ZOMBIES", 48))
WORKERS = 6
SLOW = {"workers": WORKERS, "seconds": 0.4, "pause": 0.01, "poison": 0, "careless": 0}


def refused(history):
    """What zombies have said: each is a write of an old attempt that was refused."""
    return [event for event in history.of("heartbeat", "put", "finish", "fail", "release")
            if event.status == 409]


def test_zombies_change_nothing(make_service, tmp_path):
    seed = seed_from_environment("zombies")
    with Load(make_service(), tmp_path / "journals", seed, **SLOW) as load:
        scenarios.zombies(load, random.Random(seed), ZOMBIES // (WORKERS // 2))
        history, violations = judge(load)
    print(f"{len(refused(history))} late writes; {history.summary()}")
    assert violations == [], "\n".join(map(str, violations[:20]))
    assert len(refused(history)) > ZOMBIES / 4, "too few zombies to say anything"


def test_zombies_of_real_time_change_nothing(make_service, tmp_path):
    """No clock is moved: a lost worker's tasks are given out again within 35 s (I7)."""
    seed = seed_from_environment("real zombies")
    with Load(make_service(), tmp_path / "journals", seed, **SLOW) as load:
        scenarios.zombies(load, random.Random(seed), 1, lease=scenarios.LEASE_SECONDS + 1)
        history, violations = judge(load)
    assert violations == [], "\n".join(map(str, violations[:20]))
    assert refused(history)


def test_the_wall_clock_moves_no_lease(make_service, tmp_path):
    seed = seed_from_environment("wall clock")
    with Load(make_service(), tmp_path / "journals", seed, **SLOW) as load:
        scenarios.jump_wall_clock(load, random.Random(seed), 6)
        history, violations = judge(load)
    assert violations == [], "\n".join(map(str, violations[:20]))


def test_a_server_that_slept_keeps_its_promises(make_service, tmp_path):
    seed = seed_from_environment("a server's sleep")
    with Load(make_service(), tmp_path / "journals", seed, **SLOW) as load:
        scenarios.stop_server(load, random.Random(seed), 5)
        history, violations = judge(load)
    assert violations == [], "\n".join(map(str, violations[:20]))
