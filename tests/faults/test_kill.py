"""kill -9 at random moments: of the server, of workers, of both, and of a server that recovers.

`make faults N=…` says how many (60); ZOETROPE_SEED which moments.
"""
import random

import pytest

import scenarios
from load import Load, how_many, rounds, seed_from_environment
from postgres import make_postgres_or_skip
from verdict import judge

KILLS = rounds(how_many(60, 1), 500)
POSTGRES_KILLS = rounds(how_many(15, 0.2), 250)


@pytest.mark.parametrize("kills", KILLS)
def test_nothing_that_was_promised_is_lost_by_killing(kills, make_service, tmp_path):
    seed = seed_from_environment("kills")
    with Load(make_service(), tmp_path / "journals", seed) as load:
        scenarios.kills(load, random.Random(seed), kills)
        history, violations = judge(load)
    print(f"{kills} kills; {history.summary()}")
    assert violations == [], "\n".join(map(str, violations[:20]))
    assert len(history.accepted) > kills, "too few tasks to say anything"


@pytest.fixture()
def postgres(make_service, shim):
    """A server on PostgreSQL, and PostgreSQL itself."""
    database = make_postgres_or_skip(shim)
    database.start()
    service = make_service("--database", database.url, page=database.page)
    yield service, database
    service.kill()
    database.remove()


@pytest.mark.parametrize("kills", POSTGRES_KILLS)
def test_nor_with_postgresql_which_is_killed_too(kills, postgres, tmp_path):
    service, database = postgres

    def kill_database(load, rng):
        database.crash()
        database.start()

    seed = seed_from_environment("kills with PostgreSQL")
    # Where the database is away, a 500 is all that a caller is told.
    with Load(service, tmp_path / "journals", seed, not_now=(500, 503, 507)) as load:
        scenarios.kills(load, random.Random(seed), kills,
                        [*scenarios.KILLS, (kill_database, 20)])
        history, violations = judge(load)
    print(f"{kills} kills; {history.summary()}")
    assert violations == [], "\n".join(map(str, violations[:20]))
