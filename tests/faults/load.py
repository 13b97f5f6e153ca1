"""Callers, workers and a receiver around one server, until all of it has come to its end."""
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

from callers import Caller, Receiver
from journal import History, Journal
from service import GONE, wait_until

WORKER = pathlib.Path(__file__).resolve().parent / "worker_process.py"
LEASE_SECONDS = 30
STILL_SECONDS = 1.2  # longer than an attempt takes, and than until leases are looked at


class Load:
    """`pause`: the longest time between two acts of a caller, in seconds; `careless`: how often a
    worker does not finish; `poison`: how many tasks kill their worker; `seconds`: how long an
    attempt takes; `patience`: how many seconds the end may take; `not_now`: the statuses of answers
    that mean as little as none.
    """

    def __init__(self, service, folder, seed, callers=2, workers=2, pause=0.03, careless=0.1,
                 poison=0.01, seconds=0, patience=90, not_now=(503, 507)):
        self.service = service
        self.page = service.page
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.seed = seed
        self.pause = pause
        self.careless = careless
        self.poison = poison
        self.seconds = seconds
        self.patience = patience
        self.not_now = not_now
        self.caller_count = callers
        self.worker_count = workers
        self.journal = Journal(folder, "harness", self.page)
        self.receiver = Receiver(self.journal, self.page, random.Random(f"{seed} receiver"))
        self.known = []  # every task, as it came
        self.open = set()  # those that nobody has seen at their end
        self.stopping = threading.Event()  # nothing new
        self.ended = threading.Event()  # nothing at all
        self.workers = []
        self.callers = []
        self.threads = []

    def __enter__(self):
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def begin(self):
        service = self.service
        self.worker_key = service.make_key("--scopes", "worker")
        service.key = service.make_key()
        service.start()
        self.receiver.secret = service.client().get("/api/v3/webhook/secret").json["data"]["secret"]
        self.workers = [self.start_worker(i) for i in range(self.worker_count)]
        self.callers = [Caller(self, f"caller-{self.seed}-{i}", random.Random(f"{self.seed} {i}"))
                        for i in range(self.caller_count)]
        self.threads = [*self.callers, threading.Thread(target=self.revive_workers)]
        for thread in self.threads:
            thread.start()
        assert wait_until(lambda: len(list(self.folder.glob("worker-*.jsonl"))) >= len(self.workers))

    def __exit__(self, *_):
        self.stopping.set()
        self.ended.set()
        for thread in self.threads:
            thread.join()
        for worker in self.workers:
            worker.send_signal(signal.SIGCONT)
            worker.kill()
            worker.wait()
        if self.service.is_up():
            self.service.kill()
        self.receiver.stop()
        self.journal.close()

    def seed_of(self, name, number):
        """A request of its own for each submit, so that it is known again in a listing."""
        return int(name.rsplit("-", 1)[1]) * 1_000_000 + 2 * number

    # ── Workers ──

    def environment(self):
        return {**os.environ, "FAULTS_JOURNALS": str(self.folder),
                "FAULTS_PAGE": str(self.page.path)}

    def start_worker(self, number):
        with open(self.folder / "workers.log", "ab") as log:
            return subprocess.Popen(
                [sys.executable, WORKER, "--server", self.service.address, "--key", self.worker_key,
                 "--name", f"worker-{number}", "--seed", str(self.seed),
                 "--careless", str(self.careless), "--seconds", str(self.seconds)],
                env=self.environment(), stdout=log, stderr=log)

    def kill_worker(self, number):
        """Another one takes its place, as it does where a task killed one."""
        self.workers[number].kill()

    def revive_workers(self):
        while not self.ended.wait(0.02):
            for i, worker in enumerate(self.workers):
                if worker.poll() is not None:
                    self.workers[i] = self.start_worker(i)

    # ── The end ──

    def settle(self):
        """Lets all that was begun come to its end, and returns what everybody was told.

        Workers behave from now on. When nothing moves any more the clocks go on by a lease, and
        then from one try of a webhook to the next.
        """
        self.page.calm = 1
        self.stopping.set()
        for caller in self.callers:
            caller.join()
        client = self.service.client()
        deadline = time.monotonic() + self.patience
        waiting = set(History(self.folder).accepted)
        moved = time.monotonic()
        while waiting and time.monotonic() < deadline:
            left = {task for task in waiting if self.is_open(client, task)}
            if left != waiting:
                moved = time.monotonic()
            elif time.monotonic() - moved > STILL_SECONDS:
                self.page.pass_time(LEASE_SECONDS + 1)
                moved = time.monotonic()
            waiting = left
            time.sleep(0.1)
        self.journal.write("settled", open=sorted(waiting))
        self.await_webhooks(client, deadline)
        return History(self.folder)

    def is_open(self, client, task):
        try:
            answer = client.get(f"/api/v3/predictions/{task}")
        except GONE:
            return True
        return answer.status == 200 and answer.json["data"]["status"] in ("created", "processing")

    def await_webhooks(self, client, deadline):
        while time.monotonic() < deadline:
            history = History(self.folder)
            taken = {hook.id for hook in history.of("hook") if hook.status == 200}
            missing = [task for task, submit in history.accepted.items()
                       if submit.hook and task not in taken]
            if not missing:
                return
            self.page.pass_time(3600)
            time.sleep(0.3)


def how_many(usual, share):
    """`usual`, or this share of the kills that `make faults N=…` asks for."""
    kills = os.environ.get("ZOETROPE_KILLS")
    return usual if kills is None else max(usual, round(float(kills) * share))


def rounds(count, most):
    """So many in tests of at most `most` each: a server of its own keeps the end of each short."""
    full, rest = divmod(count, most)
    return [most] * full + [rest] * (rest > 0)


def seed_from_environment(name):
    """Printed by pytest where a test fails; ZOETROPE_SEED gives it again."""
    seed = os.environ.get("ZOETROPE_SEED") or str(random.SystemRandom().randrange(10**6))
    print(f"{name}: ZOETROPE_SEED={seed}")
    return seed
