"""The harness itself on trial: known mistakes are put into the server, and each must be found as the
promise that it breaks. What makes them is faults.c and sql.c; the program is as ever.
"""
import concurrent.futures
import dataclasses
import random

import pytest

import scenarios
from load import Load, seed_from_environment
from shim import Faults
from verdict import judge

AT_ONCE = 4
LENGTHS = [1, 2, 4]
PATIENCE = 8  # seconds; some of these mistakes leave tasks that never end


def killed(load, rng, length):
    scenarios.kills(load, rng, 10 * length, [(scenarios.kill_server, 1)], pause=0.5)


def stopped(load, rng, length):
    scenarios.zombies(load, rng, 4 * length)


def jumped(load, rng, length):
    scenarios.jump_wall_clock(load, rng, 3 * length, hours=[1])


def left_alone(load, rng, length):
    del rng
    load.stopping.wait(4 * length)


@dataclasses.dataclass(frozen=True)
class Bug:
    name: str
    breaks: str  # the promise
    scenario: callable
    options: dict = dataclasses.field(default_factory=dict)  # of the load
    faults: Faults = Faults()


def sql(*pairs):
    return Faults(sql=pairs)


SLOW = {"workers": 4, "seconds": 0.4, "pause": 0.01, "poison": 0, "careless": 0}
BUSY = {"pause": 0.01}

BUGS = [
    Bug("reply before commit", "I1", killed, faults=Faults(late_commit=True)),
    Bug("finish before files", "I5", killed, faults=Faults(bug="late_rename")),
    Bug("no fence", "I4", stopped, SLOW,
        sql(("AND attempt = :attempt AND lease_token = :token",
             "AND (attempt = :attempt OR 1) AND (lease_token = :token OR 1)"))),
    Bug("two leases", "I4", left_alone, SLOW,
        sql(("state = 'created' AND key_id = :key_id",
             "state IN ('created', 'processing') AND key_id = :key_id"))),
    Bug("leases by the wall clock", "I11", jumped, SLOW, Faults(bug="wall_leases")),
    Bug("cancel loses the race", "I9", left_alone, BUSY,
        sql(("cancel_requested, lease_deadline, event_sequence, created_at\nFROM task\nWHERE id",
             "0, lease_deadline, event_sequence, created_at\nFROM task\nWHERE id"),
            ("RETURNING cancel_requested", "RETURNING 0"))),
    Bug("cancel after the end", "I3", left_alone, BUSY,
        sql(("SET cancel_requested = 1 WHERE number = :number AND state = 'processing'",
             "SET cancel_requested = 1, state = 'failed', error_code = 'cancelled',"
             " finished_at = max(finished_at, created_at), lease_token = '', lease_deadline = 0"
             " WHERE number = :number AND state <> 'created'"))),
    Bug("crashes are not counted", "I8", left_alone, {"poison": 0.1},
        sql(("failures = :failures, crashes = :crashes, out_of_memory = :out_of_memory,\n"
             "    event_sequence",
             "failures = 0 * :failures, crashes = 0 * :crashes, out_of_memory = 0 * :out_of_memory,"
             "\n    event_sequence"))),
    Bug("an idempotency key by its prefix", "I10", left_alone,
        faults=sql(("VALUES (:tenant, :word,", "VALUES (:tenant, substr(:word, 1, 9),"),
                   ("AND word = :word", "AND word = substr(:word, 1, 9)"))),
    Bug("results are not removed", "I6", left_alone, faults=Faults(bug="no_unlink")),
    Bug("results are removed too early", "I6", left_alone,
        faults=sql(("state = 'completed' AND removed = 0", "state = 'completed' AND removed = 1"))),
    Bug("forgotten too early", "I1", left_alone,
        faults=sql(("finished_at < :finished_before", "finished_at < :finished_before + 1e12"))),
    Bug("lost outbox", "I14", left_alone,
        faults=sql(("VALUES (:id, :number, :url, :steady)",
                    "SELECT :id, :number, :url, :steady WHERE random() % 4 <> 0"))),
    Bug("double event", "I14", left_alone,
        faults=sql(("SET lease_token = :token, due_at = :deadline, attempts",
                    "SET id = id || 'x', lease_token = :token, due_at = :deadline, attempts"))),
]


def try_bug(bug, make_service, folder):
    """What is found, and whether the mistake was really made. A machine that is busy with other
    things gets more time.
    """
    for length in LENGTHS:
        seed = seed_from_environment(bug.name)
        service = make_service(faults=bug.faults)
        journals = folder / f"{bug.name}-{length}".replace(" ", "-")
        with Load(service, journals, seed, patience=PATIENCE * length, **bug.options) as load:
            bug.scenario(load, random.Random(seed), length)
            _, violations = judge(load)
        was_made = bug.faults.were_made(service.page)
        if not was_made or bug.breaks in {violation.number for violation in violations}:
            break
    return violations, was_made


@pytest.fixture(scope="module")
def trials(request, make_service, tmp_path_factory):
    """All that were selected, several at a time: most of a trial is waiting."""
    bugs = [item.callspec.params["bug"] for item in request.session.items
            if item.module is request.module]
    folder = tmp_path_factory.mktemp("journals")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        yield {bug.name: pool.submit(try_bug, bug, make_service, folder) for bug in bugs}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name.replace(" ", "_"))
def test_the_harness_finds(bug, trials):
    violations, was_made = trials[bug.name].result()
    assert was_made, "the words that were to be changed are not there"
    broken = {violation.number for violation in violations}
    assert bug.breaks in broken, "\n".join(map(str, violations[:20])) or "nothing was found"
