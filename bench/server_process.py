"""`zoetrope serve` without workers, over data that is there already."""
import http.client
import json
import os
import signal
import socket
import subprocess
import time

PATIENCE = 60


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    def __init__(self, program, data, key):
        self.program = program
        self.data = data
        self.key = key
        self.port = free_port()
        self.process = None

    def start(self):
        """The seconds to the first answer, and to the answer that it is ready."""
        begin = time.monotonic()
        with open(self.data / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--workers", "0", "--listen", f"127.0.0.1:{self.port}",
                 "--data", self.data, "--log-level", "warning"],
                stdout=log, stderr=log, env={**os.environ, "XDG_CONFIG_HOME": str(self.data)})
        self.wait_for("/livez", begin)
        answers = time.monotonic() - begin
        # A worker that holds nothing anybody wants.
        claim = {"worker": "nobody", "weights": ["none"], "wait_ms": 0}
        assert self.call("POST", "/worker/v1/claim", claim)[0] == 200
        self.wait_for("/readyz", begin)
        return answers, time.monotonic() - begin

    def wait_for(self, path, begin):
        while time.monotonic() < begin + PATIENCE:
            try:
                if self.call("GET", path)[0] == 200:
                    return
            except OSError:
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.005)
        raise SystemExit(f"the server does not start: see {self.data / 'server.log'}")

    def call(self, method, path, body=None, connection=None):
        """Status and JSON of one request."""
        connection = connection or self.connect()
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Authorization": f"Bearer {self.key}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def memory(self):
        """Bytes that are resident."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            line = next(line for line in file if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    def stop(self):
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(PATIENCE)
