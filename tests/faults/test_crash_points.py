"""kill -9 before and after every system call of the server that leaves a trace.

Which points there are is not written down anywhere: a run without kills lists them, and each that
was listed must then be hit, at some passage of it. `make faults N=…` scales how often (1).
"""
import os
import random
import shutil
import signal

import pytest

from callers import MODEL, PNG, form
from checker import damage
from fake_worker import FakeWorker
from load import Load, how_many, seed_from_environment
from service import Client, wait_until
from shim import Faults
from verdict import judge

TIMES = range(how_many(1, 0.002))
WEEK_MS = 8 * 24 * 3600 * 1000


def cases(points, rng):
    """Each point, at a passage of its own, as Faults takes it. An early one: the others cost time,
    and may not be reached.
    """
    return [(point, f"{point}:{rng.randint(1, 1 + passed // 4)}")
            for point, passed in sorted(points.items())]


def must_die(service, point, at, act):
    """Runs `act` on a server that dies at the point; a second time at the first passage, which is
    there in every run.
    """
    for where in (at, f"{point}:1"):
        service.kill()
        service.page.forget()
        if not service.start(Faults(crash_at=where)):
            return
        act()
        if service.process.wait(60) == -signal.SIGKILL:
            return
    raise AssertionError(f"{point} was listed and was not hit: {service.page.points()}")


# ── The first start, in an empty folder ──

@pytest.mark.parametrize("time", TIMES)
def test_every_point_of_a_first_start(time, make_service, tmp_path):
    rng = random.Random(seed_from_environment("first start"))
    service = make_service()
    service.start()
    points = service.page.points()
    service.kill()
    assert len(points) > 20, points
    for point, at in cases(points, rng):
        shutil.rmtree(service.data)
        must_die(service, point, at, service.stop)
        service.key = service.make_key()  # both go on from whatever is there
        service.start()
        made = service.client().post(MODEL, {"prompt": "a red ball"})
        assert made.status == 200, f"{at}: {made.body}"
        service.kill()
        assert damage(service.data / "zoetrope.db") == [], at


# ── Tasks in all their states ──

def live(load):
    """Until the server has died. What happens once a minute comes sooner, and then the end."""
    service = load.service
    is_dead = lambda: not service.is_up()  # noqa: E731
    if wait_until(is_dead, 0.6):
        return
    load.page.pass_time(61)
    if not wait_until(is_dead, 0.6):
        service.signal(signal.SIGTERM)


@pytest.mark.parametrize("time", TIMES)
def test_every_point_of_a_life(time, make_service, tmp_path):
    seed = seed_from_environment("life")
    rng = random.Random(seed)
    with Load(make_service(), tmp_path / "journals", seed, pause=0.01) as load:
        service = load.service
        service.kill()
        load.page.forget()
        service.start()  # from here on all points of recovery, of a life and of the end are listed
        live(load)
        service.process.wait(60)
        points = load.page.points()
        assert len(points) > 30, points
        for point, at in cases(points, rng):
            must_die(service, point, at, lambda: live(load))
        service.kill()
        service.start()
        history, violations = judge(load)
    print(f"{len(points)} points, {len(history.accepted)} accepted")
    assert violations == [], "\n".join(map(str, violations[:20]))


# ── What is forgotten after a week ──

@pytest.fixture()
def week_old(make_service):
    """A folder with results, uploads and files that nobody refers to, all of them a week old."""
    service = make_service()
    worker_key = service.make_key("--scopes", "worker")
    service.key = service.make_key()
    service.start()
    client = service.client()
    worker = FakeWorker(Client(service.address), worker_key)
    for seed in range(3):
        client.post(MODEL, {"prompt": "a red ball", "seed": seed})
        assert worker.work(worker.claim()) == 200
        body, headers = form(PNG + bytes([seed]))
        assert client.post("/api/v3/media/upload/binary", body, headers=headers).status == 200
    client.post(MODEL, {"prompt": "a red ball", "seed": 3})
    task = worker.claim()
    worker.put(task, b"nobody will finish this")
    worker.fail(task, "invalid_input")
    service.kill()
    return service


def left_over(service):
    return [os.path.join(path, name) for room in ("out", "uploads")
            for path, folders, files in os.walk(service.data / "files" / room)
            for name in folders + files]


@pytest.mark.parametrize("time", TIMES)
def test_every_point_of_forgetting(time, week_old, tmp_path):
    rng = random.Random(seed_from_environment("forgetting"))
    service = week_old
    template = tmp_path / "template"
    shutil.copytree(service.data, template, ignore=shutil.ignore_patterns("*.sock"))
    service.page.wall_ms = WEEK_MS
    service.page.forget()
    service.start()
    assert wait_until(lambda: not left_over(service)), left_over(service)
    points = {point: passed for point, passed in service.page.points().items()
              if point.startswith(("result", "upload"))}
    assert {"result.unlink.before", "upload.unlink.after"} <= set(points), points
    for point, at in cases(points, rng):
        service.kill()
        shutil.rmtree(service.data)
        shutil.copytree(template, service.data)
        must_die(service, point, at, lambda: wait_until(lambda: not service.is_up()) or service.kill())
        service.start()
        assert wait_until(lambda: not left_over(service)), f"{at}: {left_over(service)}"
        assert service.client().post("/api/v3/predictions", {}).json["data"]["total"] == 0, at
