"""Workers that the server has started itself: they die, and they are told to end."""
import os
import re
import shutil
import signal
import sys
import threading
import time

import pytest

from callers import MODEL
from checker import FINAL
from fake_worker import FakeWorker
from journal import History
from load import WORKER, how_many
from service import GONE, Client, wait_until
from shim import Faults
from worker_process import POISON, SLOW

CHILD_SECONDS = 1  # until another attempt may begin (I7)
DRAIN_SECONDS = 35  # what a server takes at most to end
KILLS = how_many(10, 0.02)


@pytest.fixture()
def with_children(zoetrope, make_service, tmp_path, monkeypatch):
    """Servers whose zoetrope-engine is worker_process.py."""
    programs = tmp_path / "bin"
    programs.mkdir()
    shutil.copy(zoetrope.path, programs / "zoetrope")
    engine = programs / "zoetrope-engine"
    engine.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{WORKER}" "$@"\n')
    engine.chmod(0o755)
    journals = tmp_path / "journals"
    journals.mkdir()
    monkeypatch.setenv("FAULTS_JOURNALS", str(journals))

    def make(children, faults=Faults()):
        service = make_service(workers=children, faults=faults, program=programs / "zoetrope")
        service.journals = journals
        service.key = service.make_key()
        service.worker_key = service.make_key("--scopes", "worker")
        service.start()
        return service

    return make


def submit(service, prompt, seed=1):
    return service.client().post(MODEL, {"prompt": prompt, "seed": seed}).json["data"]["id"]


def status_of(service, task):
    return service.client().get(f"/api/v3/predictions/{task}").json["data"]["status"]


def await_claim(service, task, attempt, seconds=20):
    found = []

    def is_there():
        found[:] = [claim for claim in History(service.journals).of("claim")
                    if (claim.id, claim.attempt) == (task, attempt)]
        return found

    return found[0] if wait_until(is_there, seconds) else None


def slowest_return(service, kills):
    """The most seconds that a task of a dead child was out of reach, as far as anybody waits."""
    slowest = 0
    for number in range(kills):
        task = submit(service, SLOW, number)
        claim = await_claim(service, task, 1)
        killed = time.monotonic()
        os.kill(claim.process, signal.SIGKILL)
        if not wait_until(lambda task=task: status_of(service, task) == "created"
                          or await_claim(service, task, 2, 0), 2 * CHILD_SECONDS):
            return float("inf")
        slowest = max(slowest, time.monotonic() - killed)
        service.client().post(f"/api/v3/predictions/{task}/cancel")
        assert wait_until(lambda task=task: status_of(service, task) in FINAL)
    return slowest


def test_the_task_of_a_dead_child_waits_again_within_a_second(with_children):
    assert slowest_return(with_children(3), KILLS) < CHILD_SECONDS


def test_the_task_of_a_dead_engine_waits_again_within_a_second(with_engine, make_service):
    """The real one, in the middle of a video."""
    service = make_service(workers=1)
    service.key = service.make_key()
    service.start()
    body = {"prompt": "a red ball bounces on a navy background", "duration": 8}
    made = service.client().post("/api/v3/wavespeed-ai/wan-2.2/t2v-720p", body).json["data"]
    assert wait_until(lambda: status_of(service, made["id"]) == "processing", 60)
    engine = int(re.findall(r"worker started.*process=(\d+)", service.log.read_text())[-1])
    os.kill(engine, signal.SIGKILL)
    assert wait_until(lambda: status_of(service, made["id"]) == "created", CHILD_SECONDS)
    assert wait_until(lambda: status_of(service, made["id"]) == "processing", 60)
    assert service.stop() == 0


def test_a_child_that_nobody_misses_is_found(with_children):
    deaf = Faults(sql=[("state = 'processing' AND worker = :worker",
                        "state = 'processing' AND worker = :worker AND 0")])
    assert slowest_return(with_children(3, deaf), 1) > CHILD_SECONDS


def test_a_task_that_kills_its_workers_is_stopped_and_holds_up_nobody(with_children):
    service = with_children(2)
    poison = submit(service, POISON)
    others = [submit(service, "a red ball", seed) for seed in range(5)]
    assert wait_until(lambda: all(status_of(service, task) in FINAL for task in [poison, *others]))
    assert status_of(service, poison) == "failed"
    assert {status_of(service, task) for task in others} == {"completed"}
    claims = [claim for claim in History(service.journals).of("claim") if claim.id == poison]
    assert len(claims) == 2


# ── SIGTERM ──

class Drain:
    """A server that is ended while a child and a worker elsewhere hold its tasks."""

    def __init__(self, service):
        self.service = service
        self.remote = FakeWorker(Client(service.address), service.worker_key, "remote")
        self.tasks = [submit(service, SLOW, seed) for seed in range(3)]
        self.held = []
        self.problems = []

    def all_run(self):
        if len(self.held) < 2:
            task = self.remote.claim()
            self.held += [task] if task else []
        return all(status_of(self.service, task) == "processing" for task in self.tasks)

    def end(self):
        """Meanwhile the worker elsewhere gives back what it holds, and asks for more."""
        codes = []
        begun = time.monotonic()
        ending = threading.Thread(target=lambda: codes.append(self.service.stop()))
        ending.start()
        while ending.is_alive():
            try:
                self.go_on()
            except GONE:
                pass
            time.sleep(0.02)
        seconds = time.monotonic() - begun
        if codes != [0] or seconds > DRAIN_SECONDS:
            self.problems.append(f"it ended with {codes} after {seconds:.1f} s")

    def go_on(self):
        for task in list(self.held):
            if self.remote.heartbeat(task).json["drain"]:
                self.remote.release(task)
                self.held.remove(task)
        if not self.held and self.remote.claim() is not None:
            self.problems.append("a task was given out after SIGTERM")

    def check_that_nothing_is_spent(self):
        """A first failure is followed by another attempt, however often a task was given back."""
        task = self.remote.claim(wait_ms=20_000)
        state = self.remote.fail(task, "gpu_oom").json["state"] if task else "not been given out"
        if state != "created":
            self.problems.append(f"a task has {state} at its first failure")


def drain_problems(service, rounds):
    """What is wrong, in sentences, when a server is ended again and again."""
    drain = Drain(service)
    for _ in range(rounds):
        if not wait_until(drain.all_run):
            states = [status_of(service, task) for task in drain.tasks]
            return [*drain.problems, f"what was given back does not go on: {states}"]
        drain.end()
        drain.held.clear()
        service.start()
    drain.check_that_nothing_is_spent()
    return drain.problems


@pytest.fixture()
def slow_end(monkeypatch):
    """A child takes a second to give its task back, so that there is a while in which to ask."""
    monkeypatch.setenv("FAULTS_LINGER", "1")


def test_sigterm_costs_no_attempt_and_gives_out_none(with_children, slow_end):
    assert drain_problems(with_children(1), 4) == []


def test_releases_that_cost_an_attempt_are_found(with_children, slow_end):
    costly = Faults(sql=[("failures = :failures, crashes = :crashes, out_of_memory = :out_of_memory,\n"
                          "    event_sequence",
                          "failures = :failures + 1, crashes = :crashes,"
                          " out_of_memory = :out_of_memory,\n    event_sequence")])
    assert any("first failure" in problem for problem in drain_problems(with_children(1, costly), 2))
