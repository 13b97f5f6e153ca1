"""The server as something that is killed, and a plain client that can lose it."""
import http.client
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "server"))
from server_process import Answer  # noqa: E402
from shim import Faults  # noqa: E402

GONE = (http.client.HTTPException, OSError)
START_SECONDS = 60


def wait_until(is_so, seconds=20):
    """Whether it became so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Client:
    """One connection per thread, kept as long as it works. Raises GONE where there is no answer.

    `address`: host:port, or the path of a socket.
    """

    def __init__(self, address, key=None, timeout=20):
        self.address = str(address)
        self.key = key
        self.timeout = timeout
        self.own = threading.local()

    def connection(self):
        made = getattr(self.own, "connection", None)
        if made is None:
            kind = UnixConnection if "/" in self.address else http.client.HTTPConnection
            made = self.own.connection = kind(self.address, timeout=self.timeout)
        return made

    def close(self):
        made = self.own.__dict__.pop("connection", None)
        if made is not None:
            made.close()

    def call(self, method, path, body=None, key=..., headers=None):
        fields = dict(headers or {})
        token = self.key if key is ... else key
        if token is not None:
            fields["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            fields["Content-Type"] = "application/json"
        if path.startswith("http"):
            path = "/" + path.split("/", 3)[3]
        try:
            connection = self.connection()
            connection.request(method, path, body, fields)
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read())
        except BaseException:
            self.close()
            raise

    def get(self, path, **kwargs):
        return self.call("GET", path, **kwargs)

    def post(self, path, body=None, **kwargs):
        return self.call("POST", path, body, **kwargs)


class Service:
    """`zoetrope serve` under the shim. It keeps its address from start to start."""

    def __init__(self, program, data, shim, page, *options, faults=Faults(), workers=0):
        self.program = pathlib.Path(program)
        self.data = data
        self.shim = shim
        self.page = page
        self.options = ["--workers", str(workers), "--allow-address", "127.0.0.0/8",
                        "--free-disk-megabytes", "0", *map(str, options)]
        self.faults = faults
        self.address = "127.0.0.1:0"
        self.key = None
        self.log = data.parent / f"{data.name}.log"
        self.process = None

    def environment(self, faults):
        return {**os.environ, "XDG_CONFIG_HOME": str(self.data), "LD_PRELOAD": str(self.shim),
                "FAULTS_DATA": str(self.data), "FAULTS_PAGE": str(self.page.path),
                **faults.environment}

    def begin(self, faults=None):
        """Starts it, without waiting for it."""
        self.data.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--listen", self.address, "--data", self.data,
                 *self.options],
                stdout=subprocess.PIPE, stderr=log, env=self.environment(faults or self.faults))

    def start(self, faults=None):
        """False where it was killed before it was up."""
        self.begin(faults)
        screen = b""
        deadline = time.monotonic() + START_SECONDS
        while b"enable_sync_mode" not in screen:
            readable, _, _ = select.select([self.process.stdout], [], [], 0.2)
            piece = os.read(self.process.stdout.fileno(), 65536) if readable else b""
            screen += piece
            if not piece and self.process.poll() is not None:
                if self.process.returncode == -signal.SIGKILL:
                    return False
                raise AssertionError(f"it does not start: {screen.decode()}\n{self.tail()}")
            assert time.monotonic() < deadline, f"no first screen\n{self.tail()}"
        self.address = re.search(r"address\s+http://(\S+)", screen.decode())[1]
        return True

    def tail(self):
        return self.log.read_text()[-4000:]

    def is_up(self):
        return self.process is not None and self.process.poll() is None

    def end(self, how, patience=60):
        """Ends it by a signal; the exit status."""
        if self.process is None:
            return None
        if self.is_up():
            self.process.send_signal(how)
        code = self.process.wait(patience)
        self.process.stdout.close()
        return code

    def kill(self):
        return self.end(signal.SIGKILL)

    def stop(self):
        return self.end(signal.SIGTERM)

    def signal(self, how):
        self.process.send_signal(how)

    def client(self, **kwargs):
        return Client(self.address, self.key, **kwargs)

    def make_key(self, *options):
        """Through the program itself, while no server runs."""
        self.data.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([self.program, "keys", "create", "--data", self.data,
                               *self.database(), *options],
                              capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def database(self):
        at = self.options.index("--database") if "--database" in self.options else None
        return [] if at is None else self.options[at:at + 2]
