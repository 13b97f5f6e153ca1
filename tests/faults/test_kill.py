"""kill -9 at random moments. What was promised to callers is checked from outside afterwards.

ZOETROPE_KILLS says how many (50); ZOETROPE_SEED which moments.
"""
import http.client
import os
import random
import sys
import threading
import time
import pathlib
import signal
import urllib.error

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "server"))
from fake_worker import FakeWorker, video_of  # noqa: E402
from server_process import Server  # noqa: E402

MODEL = "/api/v3/wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
PRICE = 0.05
KILLS = int(os.environ.get("ZOETROPE_KILLS", 50))
GONE = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


class Record:
    """What callers and workers were told, whatever became of the server since."""

    def __init__(self):
        self.lock = threading.Lock()
        self.accepted = {}  # id -> body
        self.completed = {}  # id -> attempt that was answered with "completed"
        self.keyed = {}  # idempotency key -> id
        self.wrong = []

    def accept(self, key, task, body):
        with self.lock:
            if self.keyed.setdefault(key, task) != task:
                self.wrong.append(f"key {key} made {self.keyed[key]} and {task}")
            self.accepted[task] = body


def submit_forever(server, record, rng, stop):
    number = 0
    while not stop.is_set():
        number += 1
        body = {"prompt": "a red ball", "seed": number}
        key = f"{rng.random()}"
        for _ in range(50):  # until an answer comes, as a careful client does
            try:
                answer = server.post(MODEL, body, headers={"Idempotency-Key": key}, timeout=5)
                if answer.status == 200:
                    record.accept(key, answer.data["id"], body)
                    break
                record.wrong.append(f"submit: {answer.status} {answer.body[:200]}")
            except GONE:
                pass
            if stop.is_set() or stop.wait(0.02):
                return


def work_forever(worker, record, stop):
    while not stop.is_set():
        try:
            task = worker.claim(wait_ms=200)
            if task is None:
                continue
            answer, file = worker.put(task, video_of(task))
            if answer.status != 200:
                continue
            answer = worker.finish(task, [file])
            if answer.status == 200 and answer.json["state"] == "completed":
                with record.lock:
                    if task["id"] in record.completed:
                        record.wrong.append(f"{task['id']} was completed twice")
                    record.completed[task["id"]] = task["attempt"]
        except GONE:
            stop.wait(0.02)


def drain(server, worker, record):
    """Lets every task that is left come to its end, and says how each ended."""
    deadline = time.monotonic() + 120
    while True:
        task = worker.claim(wait_ms=100)
        if task is not None:
            worker.work(task)
            continue
        waiting = [task for task in record.accepted
                   if server.get(f"/api/v3/predictions/{task}").data["status"]
                   in ("created", "processing")]
        if not waiting:
            return
        assert time.monotonic() < deadline, f"{len(waiting)} tasks never ended"


def check(server, record):
    completed = 0
    for task, body in record.accepted.items():
        answer = server.get(f"/api/v3/predictions/{task}")
        assert answer.status == 200, f"accepted, then lost: {task}"
        data = answer.data
        assert data["input"] == body
        assert data["status"] == "completed", data
        completed += 1
        attempt = int(data["outputs"][0].split("/files/")[1].split("/")[1])
        content = server.get(data["outputs"][0], key=None).body
        assert content == video_of({"id": task, "attempt": attempt}), f"{task}: not that attempt's"
        promised = record.completed.get(task, attempt)
        assert promised == attempt, f"{task}: completed by {promised}, holds {attempt}"
    listed = server.post("/api/v3/predictions", {"page_size": 1}).data["total"]
    usage = server.get("/api/v3/account/usage").data
    # A submit whose answer was lost for good is a task too.
    assert listed >= completed
    assert usage["total_requests"] == listed
    assert usage["total_cost"] == pytest.approx(listed * PRICE)
    return completed


def test_nothing_that_was_promised_is_lost_by_killing_the_server(zoetrope, tmp_path):
    seed = int(os.environ.get("ZOETROPE_SEED", 1))
    rng = random.Random(seed)
    server = Server(zoetrope, tmp_path, "--workers", 0)
    key = zoetrope("keys", "create", "--scopes", "worker", "--data", tmp_path).stdout.strip()
    record = Record()
    stop = threading.Event()
    workers = [FakeWorker(server, key, f"fake-{i}") for i in range(2)]
    threads = [threading.Thread(target=submit_forever, args=(server, record, rng, stop))
               for _ in range(2)]
    threads += [threading.Thread(target=work_forever, args=(worker, record, stop))
                for worker in workers]
    for thread in threads:
        thread.start()
    try:
        for _ in range(KILLS):
            time.sleep(rng.random() * 0.4)
            server.stop(signal.SIGKILL)
            server.start()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    # Leases of workers that heard nothing run out by the clock; these are ended by their owner.
    drain(server, workers[0], record)
    completed = check(server, record)
    server.stop()
    assert record.wrong == []
    assert completed > KILLS, "too few tasks to say anything"
