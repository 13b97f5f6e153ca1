"""Those who submit, ask, cancel and delete, and the receiver of their webhooks."""
import hashlib
import hmac
import http.server
import json
import threading

from service import GONE
from worker_process import POISON

MODEL = "/api/v3/wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
PNG = b"\x89PNG\r\n\x1a\n"
RETRY_SECONDS = 0.02
MOST_OPEN = 60  # tasks that wait or run


def outcome_of(data):
    """What never changes once a task has ended: addresses without their signatures."""
    outputs = [url.split("?")[0].split("/files/")[1] for url in data.get("outputs") or []]
    return [data["status"], outputs, data["error"] if data["status"] == "failed" else ""]


def form(content):
    head = ('--edge\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
            "Content-Type: image/png\r\n\r\n")
    return (head.encode() + content + b"\r\n--edge--\r\n",
            {"Content-Type": "multipart/form-data; boundary=edge"})


class NotNow(Exception):
    """An answer that says nothing about the request."""


class Caller(threading.Thread):
    """Does one thing after another until `stop`; writes down what it was told."""

    def __init__(self, load, name, rng):
        super().__init__(name=name)
        self.load = load
        self.journal = load.journal
        self.client = load.service.client()
        self.random = rng
        self.number = 0
        self.keyed = []  # submits that may be repeated

    def run(self):
        acts = [(self.submit, 40), (self.poll, 30), (self.cancel, 7), (self.delete, 4),
                (self.repeat, 5), (self.upload, 3)]
        while not self.load.stopping.wait(self.random.random() * self.load.pause):
            act, = self.random.choices([act for act, _ in acts], [weight for _, weight in acts])
            try:
                act()
            except (*GONE, NotNow):
                self.load.stopping.wait(RETRY_SECONDS)
            except Exception as error:  # whatever it is, the checker shall hear of it
                self.journal.write("wrong", what=f"{act.__name__}: {error!r}")

    def ask(self, method, path, body=None, **more):
        answer = self.client.call(method, path, body, **more)
        if answer.status in self.load.not_now:
            raise NotNow
        return answer

    def insist(self, method, path, body, headers=None):
        """Until an answer comes, as a careful client does; nothing where the load ends."""
        while True:
            try:
                return self.ask(method, path, body, headers=headers)
            except (*GONE, NotNow):
                pass
            if self.load.ended.wait(RETRY_SECONDS):
                return None

    def see(self, answer, sent):
        """A prediction that was shown."""
        if answer.status != 200:
            raise AssertionError(f"{answer.status} {answer.body[:300]}")
        data = answer.json["data"]
        self.journal.write("seen", sent=sent, id=data["id"], outcome=outcome_of(data))
        if data["status"] in ("completed", "failed"):
            self.load.open.discard(data["id"])
        return data

    def pick(self):
        """One that may have changed since it was last seen, or a recent one."""
        tasks = list(self.load.open) if self.random.random() < 0.5 else self.load.known[-60:]
        return self.random.choice(tasks) if tasks else None

    def submit(self):
        if len(self.load.open) > MOST_OPEN:
            return self.poll()
        self.number += 1
        name = f"{self.name}-{self.number}"
        prompt = POISON if self.random.random() < self.load.poison else "a red ball"
        body = {"prompt": prompt, "seed": self.load.seed_of(self.name, self.number)}
        hook = self.random.random() < 0.5
        path = f"{MODEL}?webhook={self.load.receiver.url}" if hook else MODEL
        sent = self.journal.now()
        self.journal.write("sending", body=body)
        if self.random.random() < 0.2:  # without a key, once: nobody may know what became of it
            answer = self.ask("POST", path, body)
        else:
            answer = self.insist("POST", path, body, {"Idempotency-Key": name})
            self.keyed.append((name, path, body))
        if answer is not None:
            self.accepted(answer, sent, body, hook, name)

    def accepted(self, answer, sent, body, hook, name):
        told = answer.json["data"]["id"] if answer.status == 200 else answer.body.decode()[:200]
        self.journal.write("submit", sent=sent, status=answer.status, id=told, body=body, hook=hook,
                           key=name)
        if answer.status == 200:
            self.load.open.add(told)
            self.load.known.append(told)
            self.see(answer, sent)

    def poll(self):
        task = self.pick()
        if task is None:
            return
        sent = self.journal.now()
        answer = self.ask("GET", f"/api/v3/predictions/{task}/result")
        if answer.status == 404:
            self.load.open.discard(task)
            return self.journal.write("missing", sent=sent, id=task)
        data = self.see(answer, sent)
        for url in data["outputs"] + ([data["poster"]] if "poster" in data else []):
            content = self.ask("GET", url, key=None)
            self.journal.write("fetch", sent=sent, id=task, name=url.split("?")[0].split("/")[-1],
                               attempt=int(url.split("?")[0].split("/")[-2]),
                               status=content.status, sha256=hashlib.sha256(content.body).hexdigest())

    def cancel(self):
        task = self.pick()
        if task is None:
            return
        sent = self.journal.now()
        self.journal.write("cancelling", id=task)
        answer = self.ask("POST", f"/api/v3/predictions/{task}/cancel")
        if answer.status == 200:
            data = self.see(answer, sent)
            self.journal.write("cancel", sent=sent, id=task, state=data["status"])

    def delete(self):
        task = self.pick()
        if task is None:
            return
        sent = self.journal.now()
        self.journal.write("deleting", id=task)
        answer = self.ask("POST", "/api/v3/predictions/delete", {"ids": [task]})
        if answer.status == 200:
            self.journal.write("delete", sent=sent, id=task,
                               count=answer.json["data"]["deleted_count"])

    def repeat(self):
        """An old submit again: the same task, or a refusal of another body."""
        if not self.keyed:
            return
        key, path, body = self.random.choice(self.keyed)
        other = self.random.random() < 0.5
        if other:
            body = {**body, "seed": body["seed"] + 1}
        sent = self.journal.now()
        answer = self.insist("POST", path, body, {"Idempotency-Key": key})
        if answer is not None:
            told = answer.json["data"]["id"] if answer.status == 200 else ""
            self.journal.write("repeat", sent=sent, key=key, other=other, status=answer.status,
                               id=told)

    def upload(self):
        self.number += 1
        content = PNG + f"{self.name} {self.number}".encode() * 20
        body, headers = form(content)
        answer = self.ask("POST", "/api/v3/media/upload/binary", body, headers=headers)
        if answer.status == 200:
            self.journal.write("upload", url=answer.json["data"]["download_url"],
                               sha256=hashlib.sha256(content).hexdigest())


class Receiver:
    """Takes webhooks, some of them only when they come again."""

    def __init__(self, journal, page, rng):
        self.secret = None
        self.refusals = 0.2
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refuses = not page.calm and rng.random() < receiver.refusals
                told = json.loads(body)
                journal.write("hook", id=told["id"], webhook=self.headers["webhook-id"],
                              outcome=outcome_of(told), valid=receiver.is_valid(self.headers, body),
                              status=500 if refuses else 200)
                self.send_response(500 if refuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # the sender was killed

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def is_valid(self, headers, body):
        """By the vendor's rule: HMAC-SHA256 over id.timestamp.body, `v3,` before it."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = self.secret.removeprefix("whsec_").encode()
        expected = hmac.new(key, signed, hashlib.sha256).hexdigest()
        return headers["webhook-signature"] == f"v3,{expected}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
