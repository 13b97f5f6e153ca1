"""What callers, workers and receivers were told, one line of JSON each, whoever is killed.

Times are the server's clock for deadlines (Page.now): `sent` before a call, `at` after its answer.
"""
import collections
import json
import os
import types


class Journal:
    def __init__(self, folder, name, page):
        self.page = page
        self.file = os.open(folder / f"{name}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def close(self):
        os.close(self.file)

    def now(self):
        return self.page.now()

    def write(self, kind, **fields):
        """In one write(): lines of several threads do not mix, and a kill leaves whole ones."""
        fields = {"kind": kind, "at": self.now(), **fields}
        os.write(self.file, json.dumps(fields).encode() + b"\n")


class History:
    """The journals of a folder, in order of time."""

    def __init__(self, folder, sizes=None):
        """`sizes`: how much of each file counts, as sizes_of() has told; nothing: all."""
        events = []
        for path in folder.glob("*.jsonl"):
            content = path.read_bytes()
            if sizes is not None:
                content = content[:sizes.get(path.name, 0)]
            # A worker that was killed in write() has left nothing or a whole line.
            events += [json.loads(line) for line in content.splitlines()]
        events.sort(key=lambda event: event["at"])
        self.by_kind = collections.defaultdict(list)
        for event in events:
            self.by_kind[event["kind"]].append(types.SimpleNamespace(**event))
        self.accepted = {}
        for event in self.by_kind["submit"]:
            if event.status == 200:
                self.accepted.setdefault(event.id, event)
        # Every submit has a seed of its own.
        answered = {submit.body["seed"] for submit in self.accepted.values()}
        self.unanswered = [event.body for event in self.by_kind["sending"]
                           if event.body["seed"] not in answered]
        # Whether it is gone is open until the answer has come.
        self.perhaps_deleted = {event.id for event in self.by_kind["deleting"]}
        self.deleted = {event.id for event in self.by_kind["delete"] if event.count == 1}
        self.gone = collections.defaultdict(float)  # when a child of the server was last killed
        for event in self.by_kind["gone"]:
            self.gone[event.worker] = event.at

    @property
    def completed(self):
        return {event.id for event in self.of("finish") if event.state == "completed"}

    def summary(self):
        return (f"{len(self.accepted)} accepted, {len(self.completed)} completed, "
                f"{len(self.of('cancel'))} cancelled, {len(self.deleted)} deleted, "
                f"{len(self.of('hook'))} webhooks, {len(self.of('upload'))} uploads")

    def is_dead_child(self, task, attempt):
        return any(self.gone[claim.worker] >= claim.sent for claim in self.by_kind["claim"]
                   if (claim.id, claim.attempt) == (task, attempt))

    def of(self, *kinds):
        return [event for kind in kinds for event in self.by_kind[kind]]

    def by_task(self, *kinds):
        tasks = collections.defaultdict(list)
        for event in sorted(self.of(*kinds), key=lambda event: event.at):
            tasks[event.id].append(event)
        return tasks


def sizes_of(folder):
    return {path.name: path.stat().st_size for path in folder.glob("*.jsonl")}
