"""A worker in a process of its own, to be killed and stopped at any moment.

It speaks the worker's protocol and writes down what it is told. Where the server starts it as its
child it takes the place of zoetrope-engine. FAULTS_JOURNALS and FAULTS_PAGE are the harness's.
"""
import argparse
import ctypes
import os
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from service import GONE, Client  # noqa: E402
from fake_worker import FakeWorker, video_of  # noqa: E402
from journal import Journal  # noqa: E402
from shim import Page  # noqa: E402

POISON = "poison"  # a prompt that kills whoever runs it
SLOW = "slow"  # one that takes until it is cancelled or drained
TRIES = 40
BEAT_SECONDS = 0.1
PR_SET_PDEATHSIG = 1


def poster_of(task):
    return b"poster of " + video_of(task)


class Over(Exception):
    """The attempt is not this worker's any more."""


class Worker:
    def __init__(self, arguments, page):
        self.page = page
        self.random = random.Random(f"{arguments.seed} {arguments.name}")
        self.careless = arguments.careless
        self.seconds = arguments.seconds
        self.journal = Journal(pathlib.Path(os.environ["FAULTS_JOURNALS"]),
                               f"{arguments.name}-{os.getpid()}", page)
        self.fake = FakeWorker(Client(arguments.socket or arguments.server), arguments.key,
                               arguments.name)
        self.is_ending = False
        signal.signal(signal.SIGTERM, self.end)

    def end(self, *_):
        self.is_ending = True

    def work_forever(self):
        while not self.is_ending:
            sent = self.journal.now()
            try:
                task = self.fake.claim(wait_ms=100)
            except (*GONE, AssertionError):
                time.sleep(0.01)
                continue
            if task is None:
                continue
            self.journal.write("claim", sent=sent, id=task["id"], attempt=task["attempt"],
                               token=task["token"], worker=self.fake.name,
                               process=os.getpid())
            if task["request"]["prompt"] == POISON:
                self.journal.write("gone", worker=self.fake.name)
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                self.run(task)
            except Over:
                pass

    def run(self, task):
        if task["request"]["prompt"] == SLOW:
            return self.wait_for_the_end(task)
        fate = self.random.random() if not self.page.calm else 1
        until = time.monotonic() + self.seconds
        for _ in range(self.random.randrange(3)):
            self.beat(task)
        while time.monotonic() < until:
            self.beat(task)
            time.sleep(BEAT_SECONDS)
        if fate < self.careless:
            return self.misbehave(task)
        files = [self.put(task, video_of(task), "video.mp4", "video/mp4"),
                 self.put(task, poster_of(task), "poster.png", "image/png")]
        self.tell("finish", task, lambda: self.fake.finish(task, files))

    def wait_for_the_end(self, task):
        while True:
            self.beat(task)
            time.sleep(BEAT_SECONDS)

    def misbehave(self, task):
        what = self.random.choice(["release", "gpu_oom", "gpu_sticky", "invalid_input", "vanish"])
        if what == "release":
            self.tell("release", task, lambda: self.fake.release(task))
        elif what != "vanish":
            self.tell("fail", task, lambda: self.fake.fail(task, what))

    def beat(self, task):
        progress = {"phase": "denoise", "step": 1, "steps": 4, "percent": 20, "eta_seconds": 1}
        answer = self.tell("heartbeat", task, lambda: self.fake.heartbeat(task, progress))
        if answer.json["cancel"]:
            self.tell("fail", task, lambda: self.fake.fail(task, "cancelled"))
            raise Over
        if answer.json["drain"] or self.is_ending:
            time.sleep(float(os.environ.get("FAULTS_LINGER", 0)))
            self.tell("release", task, lambda: self.fake.release(task))
            raise Over

    def put(self, task, content, name, media_type):
        file = {}

        def send():
            answer, told = self.fake.put(task, content, name)
            file.update({**told, "media_type": media_type})
            return answer

        self.tell("put", task, send, name=name)
        return file

    def tell(self, kind, task, call, **more):
        """Says it until there is an answer, and writes that down. Over where it is a refusal."""
        lease = {"id": task["id"], "attempt": task["attempt"], "worker": self.fake.name, **more}
        sent = self.journal.now()
        self.journal.write("saying", what=kind, sent=sent, **lease)
        for _ in range(TRIES):
            begun = self.journal.now()
            try:
                answer = call()
            except GONE:
                answer = None
            if answer is None or answer.status >= 500:
                time.sleep(0.025)
                continue
            state = answer.json.get("state", "") if answer.status == 200 else ""
            self.journal.write(kind, sent=begun, first_sent=sent, status=answer.status, state=state,
                               **lease)
            if answer.status != 200:
                raise Over
            return answer
        raise Over


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server")
    parser.add_argument("--socket")
    parser.add_argument("--key")
    parser.add_argument("--name", required=True)
    parser.add_argument("--seed", default="0")
    parser.add_argument("--careless", type=float, default=0, help="how often it does not finish")
    parser.add_argument("--seconds", type=float, default=0, help="how long an attempt takes")
    parser.add_argument("--child", action="store_true")
    arguments, _ = parser.parse_known_args()
    if arguments.child:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    Worker(arguments, Page(os.environ["FAULTS_PAGE"])).work_forever()


if __name__ == "__main__":
    main()
