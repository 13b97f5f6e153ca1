"""SIGSTOP for longer than the lease, and clocks that jump: nothing of an old attempt counts."""
import concurrent.futures
import random

import pytest

import scenarios
from load import Load, how_many, rounds, seed_from_environment
from verdict import judge

WORKERS = 10
RESCUE_SECONDS = 35
ZOMBIES = rounds(how_many(50, 0.1), 200)  # workers that are stopped
SLOW = {"workers": WORKERS, "seconds": 0.4, "pause": 0.01, "poison": 0, "careless": 0}


@pytest.fixture(scope="module", autouse=True)
def in_real_time(make_service, tmp_path_factory):
    """Goes on while the others do: it is for the most part waiting."""
    def run():
        seed = seed_from_environment("real zombies")
        with Load(make_service(), tmp_path_factory.mktemp("real") / "journals", seed,
                  **{**SLOW, "workers": 4}) as load:
            scenarios.zombies(load, random.Random(seed), 1, lease=scenarios.LEASE_SECONDS + 1)
            return judge(load)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield pool.submit(run)


def refused(history):
    """What zombies have said: each is a write of an old attempt that was refused."""
    return [event for event in history.of("heartbeat", "put", "finish", "fail", "release")
            if event.status == 409]


def slowest_rescue(history):
    """The most seconds from a zombie's last sign of life to the next attempt."""
    claims = history.by_task("claim")
    signs = history.by_task("claim", "heartbeat", "put")
    slowest = 0
    for event in refused(history):
        last = max(sign.sent for sign in signs[event.id] if sign.attempt == event.attempt
                   and (sign.kind == "claim" or sign.status == 200))
        slowest = max([slowest, *(claim.at - last for claim in claims[event.id]
                                  if claim.attempt == event.attempt + 1)])
    return slowest


@pytest.mark.parametrize("count", ZOMBIES)
def test_zombies_change_nothing(count, make_service, tmp_path):
    seed = seed_from_environment("zombies")
    with Load(make_service(), tmp_path / "journals", seed, **SLOW) as load:
        scenarios.zombies(load, random.Random(seed), count // (WORKERS // 2))
        history, violations = judge(load)
    print(f"{len(refused(history))} late writes; {history.summary()}")
    assert violations == [], "\n".join(map(str, violations[:20]))
    assert len(refused(history)) > count / 4, "too few zombies to say anything"


def test_the_wall_clock_moves_no_lease(make_service, tmp_path):
    seed = seed_from_environment("wall clock")
    with Load(make_service(), tmp_path / "journals", seed, **SLOW) as load:
        scenarios.jump_wall_clock(load, random.Random(seed), 4)
        history, violations = judge(load)
    assert violations == [], "\n".join(map(str, violations[:20]))


def test_a_server_that_slept_keeps_its_promises(make_service, tmp_path):
    seed = seed_from_environment("a server's sleep")
    with Load(make_service(), tmp_path / "journals", seed, **SLOW) as load:
        scenarios.stop_server(load, random.Random(seed), 3)
        history, violations = judge(load)
    assert violations == [], "\n".join(map(str, violations[:20]))


def test_zombies_of_real_time_change_nothing(in_real_time):
    """No clock was moved: a lost worker's tasks are given out again within 35 s (I7)."""
    history, violations = in_real_time.result()
    assert violations == [], "\n".join(map(str, violations[:20]))
    assert refused(history)
    assert slowest_rescue(history) < RESCUE_SECONDS
