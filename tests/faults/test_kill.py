"""kill -9 at random moments: of the server, of workers, of both, and of a server that recovers.

ZOETROPE_KILLS says how many (60); ZOETROPE_SEED which moments.
"""
import os
import random

import scenarios
from load import Load, seed_from_environment
from verdict import judge

KILLS = int(os.environ.get("ZOETROPE_KILLS", 60))


def test_nothing_that_was_promised_is_lost_by_killing(make_service, tmp_path):
    seed = seed_from_environment("kills")
    with Load(make_service(), tmp_path / "journals", seed) as load:
        scenarios.kills(load, random.Random(seed), KILLS)
        history, violations = judge(load)
    print(history.summary())
    assert violations == [], "\n".join(map(str, violations[:20]))
    assert len(history.completed) > KILLS, "too few tasks to say anything"
