"""The promises, one function each, checked from what everybody was told and what the server says.

Nothing in here knows how the server works. A promise is checked

  told     against the answers of a server that was started again, whenever that is
  settled  when all that was begun had the time to come to its end
  swept    against the files, a day later, when what nobody refers to must be gone
"""
import dataclasses
import functools
import hashlib
import os
import sqlite3

from callers import outcome_of
from fake_worker import video_of
from worker_process import poster_of

FINAL = ("completed", "failed")
LEASE_SECONDS = 30
PRICE = 0.05
MOST_FAILURES = 3
MOST_CRASHES = 2
MOST_DELIVERIES = 10

PROMISES = []


@dataclasses.dataclass(frozen=True)
class Violation:
    number: str
    text: str

    def __str__(self):
        return f"{self.number}: {self.text}"


def promise(number, stage, sentence):
    def register(function):
        PROMISES.append((number, stage, sentence, function))
        return function
    return register


class Present:
    """What the server says now of all that was accepted; `folder`: where its files lie."""

    def __init__(self, client, history, folder=None):
        self.client = client
        self.folder = folder
        self.accepted = history.accepted
        self.listed, self.total = self.list_all()
        self.usage = client.get("/api/v3/account/usage").json["data"]

    @functools.cached_property
    def predictions(self):
        """What it says of each task that was accepted; None where it does not know it."""
        answers = {task: self.client.get(f"/api/v3/predictions/{task}") for task in self.accepted}
        return {task: answer.json["data"] if answer.status == 200 else None
                for task, answer in answers.items()}

    def list_all(self):
        items, page = [], 1
        while True:
            answer = self.client.post("/api/v3/predictions", {"page": page, "page_size": 100})
            assert answer.status == 200, f"no list: {answer.status} {answer.body}"
            data = answer.json["data"]
            items += data["items"]
            if len(data["items"]) < 100:
                return items, data["total"]
            page += 1

    def files(self):
        """(task, attempt, name) and the bytes of each file that is promised."""
        for task, data in self.predictions.items():
            if data is None or data["status"] != "completed":
                continue
            for url in data["outputs"] + ([data["poster"]] if "poster" in data else []):
                _, attempt, name = url.split("?")[0].split("/files/")[1].split("/")
                yield task, int(attempt), name, self.client.get(url, key=None)


def content_of(task, attempt, name):
    """What the attempt's worker has handed in under this name."""
    make = video_of if name == "video.mp4" else poster_of
    return make({"id": task, "attempt": attempt})


def short(task):
    return task[:8]


# ── What was told holds ──

@promise("I1", "told", "An accepted task survives")
def accepted_is_there(history, present):
    for task, submit in history.accepted.items():
        if task in history.perhaps_deleted:
            continue
        data = present.predictions[task]
        if data is None:
            yield f"{short(task)} was accepted and is lost"
        elif data["input"] != submit.body:
            yield f"{short(task)} has another input than was sent"
    for event in history.of("missing"):
        if event.id not in history.perhaps_deleted:
            yield f"{short(event.id)} was accepted and was not found at {event.at:.2f}"
    for upload in history.of("upload"):
        content = present.client.get(upload.url, key=None)
        if hashlib.sha256(content.body).hexdigest() != upload.sha256:
            yield f"an upload that was taken is lost: {content.status} {upload.url}"


@promise("I2", "told", "What is listed was accepted, what was accepted is listed")
def listing_is_true(history, present):
    listed = [item["id"] for item in present.listed]
    if len(set(listed)) != len(listed) or len(listed) != present.total:
        yield f"{len(listed)} are listed, {len(set(listed))} of them different, total {present.total}"
    for item in present.listed:
        if item["id"] not in history.accepted and item["input"] not in history.unanswered:
            yield f"{short(item['id'])} is listed and nobody has sent it: {item['input']}"
    for task in set(history.accepted) - history.perhaps_deleted - set(listed):
        yield f"{short(task)} was accepted and is not listed"


@promise("I3", "told", "A task ends once, and never leaves its end")
def one_outcome(history, present):
    seen = history.by_task("seen", "hook")
    for task in history.accepted:
        told = [(event.at, getattr(event, "sent", event.at), event.outcome) for event in seen[task]]
        if present.predictions[task] is not None:
            told.append((float("inf"), float("inf"), outcome_of(present.predictions[task])))
        final = [(at, outcome) for at, _, outcome in told if outcome[0] in FINAL]
        if any(outcome != final[0][1] for _, outcome in final):
            yield f"{short(task)} has ended as {[outcome for _, outcome in final]}"
        for _, sent, outcome in told:
            if outcome[0] not in FINAL and final and sent > final[0][0]:
                yield f"{short(task)} was {outcome[0]} after it had ended as {final[0][1]}"
    for event in history.of("finish", "fail"):
        data = present.predictions.get(event.id)
        if event.state in FINAL and data is not None and data["status"] != event.state:
            yield f"{short(event.id)}: its worker was told {event.state}, it is {data['status']}"


@promise("I3", "settled", "A completed task is charged once, others never")
def charged_once(history, present):
    completed = {item["id"] for item in present.listed if item["status"] == "completed"}
    told = {event.id for event in history.of("finish") if event.state == "completed"}
    told |= {event.id for event in history.of("seen", "hook") if event.outcome[0] == "completed"}
    least = len(completed | told)
    # Of one that was deleted before its end nobody may have heard what became of it, and of one
    # whose submit was never answered neither.
    most = least + len(history.perhaps_deleted - told) + len(history.unanswered)
    charged = present.usage["total_cost"] / PRICE
    if not least - 0.01 <= charged <= most + 0.01:
        yield f"{charged:.2f} tasks are charged, {least} to {most} have been completed"


@promise("I4", "told", "An attempt belongs to one worker; what an old one says is refused")
def fenced(history, present):
    del present
    claims = history.by_task("claim")
    tokens = set()
    for task, events in claims.items():
        attempts = [event.attempt for event in events]
        if len(set(attempts)) != len(attempts):
            yield f"{short(task)}: one attempt was given out twice: {attempts}"
        for event in events:
            if event.token in tokens:
                yield f"{short(task)}: a token was given out twice"
            tokens.add(event.token)
    for event in history.of("heartbeat", "put", "finish", "fail", "release"):
        newer = [claim.attempt for claim in claims[event.id]
                 if claim.attempt > event.attempt and claim.at < event.sent]
        if event.status == 200 and newer:
            yield (f"{short(event.id)}: {event.kind} of attempt {event.attempt} was taken although "
                   f"attempt {max(newer)} had begun")
    completions = history.by_task("finish")
    for task, events in completions.items():
        if sum(event.state == "completed" for event in events) > 1:
            yield f"{short(task)} was completed twice"


@promise("I4", "told", "At most one lease of a task is valid")
def one_lease(history, present):
    del present
    given_up = {}  # when an attempt's worker began to end it, or was killed as the server's child
    for event in history.of("saying"):
        if event.what in ("finish", "fail", "release"):
            given_up.setdefault((event.id, event.attempt), event.sent)
    for task, events in history.by_task("claim", "heartbeat", "put").items():
        renewed = {}
        for event in events:
            if event.kind != "claim":
                if event.status == 200:
                    renewed[event.attempt] = event.sent
                continue
            for attempt, at in renewed.items():
                is_held = given_up.get((task, attempt), event.at) >= event.at
                if attempt < event.attempt and is_held and event.at - at < LEASE_SECONDS - 1 \
                        and not history.is_dead_child(task, attempt):
                    yield (f"{short(task)}: attempt {event.attempt} began {event.at - at:.1f} s "
                           f"after attempt {attempt} had its lease")
            renewed[event.attempt] = event.sent


@promise("I11", "told", "A lease lasts as long as was told, whatever the wall clock does")
def lease_lasts(history, present):
    del present
    renewed, given_up = {}, set()
    for event in sorted(history.of("claim", "heartbeat", "put", "saying", "finish", "fail",
                                   "release"), key=lambda event: event.at):
        key = event.id, event.attempt
        if event.kind == "claim" or event.kind in ("heartbeat", "put") and event.status == 200:
            renewed[key] = event.sent
        elif event.kind == "saying":
            given_up |= {key} if event.what in ("finish", "fail", "release") else set()
        elif event.status == 409 and key in renewed and key not in given_up \
                and event.at - renewed[key] < LEASE_SECONDS - 1:
            yield (f"{short(event.id)}: attempt {event.attempt} had lost its lease "
                   f"{event.at - renewed[key]:.1f} s after it was renewed")


@promise("I5", "told", "A completed task has its files, whole, from that very attempt")
def files_are_there(history, present):
    handed_in = {(event.id, event.attempt, event.name) for event in history.of("saying")
                 if event.what == "put"}
    for event in history.of("fetch"):
        expected = hashlib.sha256(content_of(event.id, event.attempt, event.name)).hexdigest()
        if event.status not in (200, 503) and event.id not in history.perhaps_deleted \
                or event.status == 200 and event.sha256 != expected:
            yield f"{short(event.id)}: {event.name} was promised, {event.status} came"
    for task, attempt, name, answer in present.files():
        if answer.status != 200 or answer.body != content_of(task, attempt, name):
            yield (f"{short(task)}: {name} of attempt {attempt} is not what was handed in: "
                   f"{answer.status}, {len(answer.body)} bytes")
        if (task, attempt, name) not in handed_in:
            yield f"{short(task)}: nobody has handed in {name} as attempt {attempt}"


@promise("I9", "told", "A cancelled task does not start, and does not complete")
def cancelled(history, present):
    claims = history.by_task("claim")
    finishes = history.by_task("finish")
    for event in history.of("cancel"):
        late = [claim for claim in claims[event.id] if claim.sent > event.at]
        if event.state in FINAL and late:
            yield f"{short(event.id)}: attempt {late[0].attempt} began after the cancel"
        if event.state == "completed":
            continue
        data = present.predictions[event.id]
        if data is not None and data["status"] == "completed":
            yield f"{short(event.id)} was completed although its cancel was told as {event.state}"
        if any(end.sent > event.at and end.state == "completed" for end in finishes[event.id]):
            yield f"{short(event.id)}: a finish after the cancel was taken"


@promise("I10", "told", "A key stands for one task; with another body it is refused")
def idempotent(history, present):
    del present
    first = {}
    for event in history.of("submit"):
        if event.status != 200:
            yield f"the submit {event.key} was refused: {event.status} {event.id}"
        elif first.setdefault(event.key, event.id) != event.id:
            yield f"{event.key} stands for {short(first[event.key])} and {short(event.id)}"
    if len(set(first.values())) != len(first):
        yield f"{len(first)} keys stand for {len(set(first.values()))} tasks"
    for event in history.of("repeat"):
        task = first.get(event.key)  # none where the submit was refused, which was told above
        gone = event.status == 404 and task in history.perhaps_deleted
        expected = 422 if event.other else 200
        if task and not gone and (event.status != expected or event.id not in ("", task)):
            yield f"{event.key} again: {event.status} {short(event.id)}, it is {short(task)}"


# ── What comes to its end ──

@promise("I7", "settled", "Every task comes to its end while a worker lives")
def progress(history, present):
    del present
    for event in history.of("settled"):
        for task in event.open:
            yield f"{short(task)} never came to its end"


@promise("I8", "settled", "A task that kills its workers is stopped")
def bounded_attempts(history, present):
    del present
    ends = history.by_task("saying")
    for task, claims in history.by_task("claim").items():
        attempts = max(claim.attempt for claim in claims)
        ended = {end.attempt: end.what for end in ends[task] if end.what != "heartbeat"
                 and end.what != "put"}
        spent = attempts - sum(what == "release" for what in ended.values())
        died = attempts - len(ended)
        if spent > MOST_FAILURES or died > MOST_CRASHES:
            yield f"{short(task)} had {attempts} attempts, {died} of them without a word"


@promise("I9", "settled", "What was deleted is gone")
def deleted_is_gone(history, present):
    for task in history.deleted:
        if present.predictions.get(task) is not None:
            yield f"{short(task)} was deleted and is there"


@promise("I14", "settled", "Every end is told, under one id, with a valid signature")
def webhooks(history, present):
    hooks = history.by_task("hook")
    for task, events in hooks.items():
        ids = {event.webhook for event in events}
        if len(ids) != 1:
            yield f"{short(task)} was told under {len(ids)} ids"
        if not all(event.valid for event in events):
            yield f"{short(task)}: a signature is not that of the bytes"
        if len(events) > MOST_DELIVERIES:
            yield f"{short(task)} was told {len(events)} times"
    for task, submit in history.accepted.items():
        taken = [event for event in hooks[task] if event.status == 200]
        data = present.predictions[task]
        if not submit.hook and hooks[task]:
            yield f"{short(task)} has no webhook and was told"
        if submit.hook and not taken and (data is None or data["status"] in FINAL):
            yield f"the end of {short(task)} was never told"


# ── What is left a day later ──

@promise("I6", "swept", "A file that nobody refers to is removed, another one never")
def no_orphans(history, present):
    del history
    promised = set()
    for item in present.listed:
        for url in item["outputs"] + ([item["poster"]] if "poster" in item else []):
            promised.add(url.split("?")[0].split("/files/")[1])
    out = present.folder / "out"
    there = {os.path.relpath(os.path.join(path, name), out)
             for path, _, names in os.walk(out) for name in names}
    for name in sorted(there - promised):
        yield f"{name} is left and nobody refers to it"
    for name in sorted(promised - there):
        yield f"{name} is referred to and is gone"
    for path in (present.folder / "tmp").iterdir():
        yield f"{path.name} is left in tmp"


def violations(history, present, *stages):
    """Of the promises of these stages, in order."""
    return [Violation(number, text) for number, stage, _, function in PROMISES
            if stage in stages for text in function(history, present)]


def damage(database):
    """What SQLite finds wrong with a database that no server has open; nothing: []."""
    connection = sqlite3.connect(database)
    try:
        verdicts = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        rows = connection.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        connection.close()
    return [verdict for verdict in verdicts if verdict != "ok"] + list(map(str, rows))
