"""`zoetrope serve` as a process, and what it answers."""
import json
import os
import re
import select
import signal
import subprocess
import time
import urllib.error
import urllib.request

from contract import Contract

START_SECONDS = 60


class Answer:
    """What came back: the status, the headers, the JSON or the bytes."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        assert self.status == 200, (self.status, self.body)
        answer = self.json
        assert answer["code"] == 200, answer
        return answer["data"]


class Server:
    """`zoetrope serve` on a free port of this machine, with a data folder of its own."""

    def __init__(self, program, data, *options, environment=None, address="127.0.0.1:0"):
        self.program = program
        self.data = data
        self.options = options
        self.environment = environment or {}
        self.process = None
        self.key = None
        self.log = data / "server.log"
        self.address = address
        self.start()

    def start(self):
        self.data.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "XDG_CONFIG_HOME": str(self.data), **self.environment}
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--listen", self.address, "--data", self.data,
                 *map(str, self.options)],
                stdout=subprocess.PIPE, stderr=log, env=environment)
        self.screen = self.read_screen()
        if self.address.endswith(":0"):  # the same one when it starts again
            self.address = re.search(r"address\s+http://(\S+)", self.screen)[1]
        self.url = f"http://{self.address}"
        key = re.search(r"key\s+(zt_\S+)", self.screen)
        self.key = key[1] if key else self.key
        with urllib.request.urlopen(self.url + "/openapi.json", timeout=30) as reply:
            self.contract = Contract(json.load(reply))

    def read_screen(self):
        """All that is printed until the curl command is complete."""
        screen = b""
        deadline = time.monotonic() + START_SECONDS
        while b"enable_sync_mode" not in screen:
            readable, _, _ = select.select([self.process.stdout], [], [], 0.2)
            piece = os.read(self.process.stdout.fileno(), 65536) if readable else b""
            screen += piece
            ended = self.process.poll() is not None and not piece
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"no first screen: {screen.decode()}\n{self.log.read_text()}")
        return screen.decode()

    def stop(self, how=signal.SIGTERM, patience=60):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(patience)
        self.process.stdout.close()
        return code

    def call(self, method, path, body=None, key=..., headers=None, timeout=120):
        """`body`: JSON as an object, or bytes. `key`: None sends none."""
        url = path if path.startswith("http") else self.url + path
        fields = dict(headers or {})
        token = self.key if key is ... else key
        if token is not None:
            fields.setdefault("Authorization", f"Bearer {token}")
        content = body
        if body is not None and not isinstance(body, bytes):
            content = json.dumps(body).encode()
            fields.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(url, content, fields, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                answer = Answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            with error:
                answer = Answer(error.code, error.headers, error.read())
        self.contract.check(method, url[len(self.url):], answer.status,
                            answer.headers.get("Content-Type", ""), answer.body)
        return answer

    def get(self, path, **kwargs):
        return self.call("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.call("POST", path, body, **kwargs)

    def await_end(self, prediction, seconds=240):
        """Polls as a client does."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            data = self.get(f"/api/v3/predictions/{prediction}/result").data
            if data["status"] in ("completed", "failed"):
                return data
            time.sleep(0.1)
        raise AssertionError(f"{prediction} has not come to its end\n{self.log.read_text()[-4000:]}")
