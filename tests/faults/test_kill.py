"""kill -9 at random moments: of the server, of workers, of both, and of a server that recovers.

ZOETROPE_KILLS says how many (60); ZOETROPE_SEED which moments.
"""
import os
import random
import time

import pytest

from load import Load, seed_from_environment
from verdict import judge

KILLS = int(os.environ.get("ZOETROPE_KILLS", 60))


def kill_server(load, rng):
    load.service.kill()
    load.service.start()


def kill_worker(load, rng):
    load.kill_worker(rng.randrange(len(load.workers)))


def kill_both(load, rng):
    load.service.kill()
    kill_worker(load, rng)
    load.service.start()


def kill_in_recovery(load, rng):
    load.service.kill()
    load.service.begin()
    time.sleep(rng.random() * 0.1)
    load.service.kill()
    load.service.start()


def skip_a_lease(load, rng):
    """As after the machine's sleep: workers that live have lost what they hold."""
    load.page.pass_time(31)


FAULTS = [(kill_server, 40), (kill_worker, 25), (kill_both, 15), (kill_in_recovery, 15),
          (skip_a_lease, 5)]


def break_things(load, rng, kills):
    for _ in range(kills):
        time.sleep(rng.random() * 0.3)
        fault, = rng.choices([fault for fault, _ in FAULTS], [weight for _, weight in FAULTS])
        fault(load, rng)
        load.revive_workers()


def test_nothing_that_was_promised_is_lost_by_killing(make_service, tmp_path):
    seed = seed_from_environment("kills")
    with Load(make_service(), tmp_path / "journals", seed) as load:
        break_things(load, random.Random(seed), KILLS)
        history, violations = judge(load)
    completed = {event.id for event in history.of("finish") if event.state == "completed"}
    print(f"{len(history.accepted)} accepted, {len(completed)} completed, "
          f"{len(history.of('hook'))} webhooks, {len(history.of('cancel'))} cancels, "
          f"{len(history.deleted)} deleted")
    assert violations == [], "\n".join(map(str, violations[:20]))
    assert len(completed) > KILLS, "too few tasks to say anything"
