"""zoetrope worker, against a server that speaks the worker's protocol and does nothing else."""
import hashlib
import http.server
import json
import os
import queue
import re
import select
import signal
import socketserver
import subprocess
import threading

import pytest

REQUEST = {"prompt": "a red ball bounces", "width": 64, "height": 96, "seconds": 0.25, "steps": 2,
           "seed": 7, "loras": []}


class Server:
    """Gives out the tasks it is given and writes down what comes back."""

    def __init__(self):
        self.tasks = queue.Queue()
        self.calls = queue.Queue()  # (call, message)
        self.files = {}
        self.wish = {"cancel": False, "drain": False}
        self.keys = set()
        self.was_asked = threading.Event()
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, message, status=200):
                body = json.dumps(message).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def body(self):
                return self.rfile.read(int(self.headers["Content-Length"]))

            def do_POST(self):
                message = json.loads(self.body())
                server.keys.add(self.headers["Authorization"])
                call = self.path.rsplit("/", 1)[1]
                if call == "claim":
                    return self.answer({"task": server.next_task(message)})
                server.calls.put((call, message))
                return self.answer(server.wish if call == "heartbeat" else {})

            def do_PUT(self):
                content = self.body()
                name = re.fullmatch(r"/worker/v1/tasks/0a/files/([^?]+)\?attempt=1&token=7f",
                                    self.path)[1]
                server.files[name] = (self.headers["Content-Type"], content)
                digest = hashlib.sha256(content).hexdigest()
                assert digest == self.headers["X-Content-SHA256"]
                self.answer({"bytes": len(content), "sha256": digest})

            def log_message(self, *_):
                pass

        self.handler = Handler

    def next_task(self, claim):
        assert claim["wait_ms"] >= 1000 and "wan2.2-t2v-a14b" in claim["weights"]
        self.was_asked.set()
        try:
            return self.tasks.get(timeout=0.2)  # a worker ends between two claims: not too long
        except queue.Empty:
            return None

    def give(self, **changes):
        task = {"id": "0a", "attempt": 1, "token": "7f", "endpoint": "test", "kind": "text_to_video",
                "weights": "wan2.2-t2v-a14b", "model": "", "request": dict(REQUEST),
                "lease_ms": 30_000, "heartbeat_ms": 100}
        task["request"].update(changes)
        self.tasks.put(task)

    def next(self, *wanted):
        """The next call of these names."""
        while True:
            call, message = self.calls.get(timeout=120)
            if call in wanted:
                return call, message


@pytest.fixture
def server():
    server = Server()
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), server.handler)
    server.url = f"http://127.0.0.1:{running.server_address[1]}"
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield server
    running.shutdown()


@pytest.fixture
def start(demo, server, tmp_path):
    processes = []

    def start(*arguments, **environment):
        process = demo.start("worker", "--server", server.url, "--device", "cpu", "--model",
                             "wan2.2-t2v-a14b=wan2.2-t2v-tiny", "--scratch", tmp_path, *arguments,
                             environment=environment)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_task_becomes_a_video_and_a_poster(server, start, tmp_path):
    process = start("--name", "test", ZOETROPE_WORKER_KEY="secret")
    server.give()
    call, message = server.next("finish", "fail")
    assert call == "finish", message
    assert message["attempt"] == 1 and message["token"] == "7f" and message["seed"] == 7
    assert message["inference_ms"] > 0
    assert message["warnings"] == ["served by the demo model wan2.2-t2v-tiny"]
    assert [(file["name"], file["media_type"]) for file in message["files"]] == [
        ("video.mp4", "video/mp4"), ("poster.png", "image/png")]
    for file in message["files"]:
        media_type, content = server.files[file["name"]]
        assert media_type == file["media_type"] and len(content) == file["bytes"]
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert server.keys == {"Bearer secret"}
    process.send_signal(signal.SIGTERM)
    log = process.communicate(timeout=30)[1]
    assert process.returncode == 0, log
    assert "test can run " in log and "task 0a, attempt 1: done" in log
    assert REQUEST["prompt"] not in log and "secret" not in log
    assert list(tmp_path.iterdir()) == []


def test_heartbeats_tell_how_far_it_is_and_cancelling_stops_it(server, start):
    start()
    server.give(steps=1000, seconds=2)
    phases = set()
    while "denoise" not in phases:
        _, message = server.next("heartbeat")
        phases.add(message["progress"]["phase"])
    assert 0 <= message["progress"]["percent"] < 90
    assert message["progress"]["steps"] == 1000
    server.wish = {"cancel": True, "drain": False}
    server.next("release")
    server.wish = {"cancel": False, "drain": False}
    server.give()
    assert server.next("finish", "fail")[0] == "finish"


def test_a_worker_that_is_told_to_end_gives_its_task_back(server, start, tmp_path):
    process = start()
    server.give(steps=1000, seconds=2)
    while server.next("heartbeat")[1]["progress"]["phase"] != "denoise":
        pass
    process.send_signal(signal.SIGTERM)
    server.next("release")
    log = process.communicate(timeout=30)[1]
    assert process.returncode == 0, log
    assert list(tmp_path.iterdir()) == []


def test_what_the_caller_did_wrong_is_told_and_the_worker_goes_on(server, start):
    start()
    server.give(loras=[{"path": "x"}])
    call, message = server.next("finish", "fail")
    assert call == "fail" and message["class"] == "invalid_input"
    assert message["message"] == 'loras: {"path":"x"} is not a path and a scale'
    server.give()
    assert server.next("finish", "fail")[0] == "finish"


def test_a_server_that_is_away_is_waited_for(demo, server, tmp_path):
    class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        def get_request(self):
            return super().get_request()[0], ("unix", 0)

    process = demo.start("worker", "--socket", tmp_path / "socket", "--device", "cpu", "--model",
                         "wan2.2-t2v-a14b=wan2.2-t2v-tiny")
    assert "can run" in process.stderr.readline()
    assert "the server does not answer, trying on" in process.stderr.readline()
    running = UnixServer(str(tmp_path / "socket"), server.handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    server.give()
    assert server.next("finish", "fail")[0] == "finish"
    running.shutdown()
    process.kill()
    process.communicate()


def test_a_child_ends_with_its_parent(demo, server):
    shell = subprocess.Popen(
        ["sh", "-c", f"{demo.path.parent}/zoetrope-engine worker --child --device cpu --model "
                     f"wan2.2-t2v-a14b=wan2.2-t2v-tiny --server {server.url} & echo $!; wait"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    child = os.pidfd_open(int(shell.stdout.readline()))
    assert server.was_asked.wait(60)
    shell.kill()
    shell.communicate()
    ended, _, _ = select.select([child], [], [], 10)
    if not ended:
        signal.pidfd_send_signal(child, signal.SIGKILL)
    os.close(child)
    assert ended, "the child outlived its parent"


@pytest.mark.parametrize("options, complaint", [
    (["--model", "x"], '--model: "x" is not MODEL=NAME or MODEL=PATH'),
    (["--model", "a=b", "--model", "a=c"], "--model: a is given twice"),
    (["--scratch", "/nonexistent"], '--scratch: "/nonexistent" is no folder'),
    (["--device", "tpu"], '--device: "tpu" is not one of auto, cpu'),
    (["--model", "wan9=/nonexistent"], "--model: there is no model called wan9"),
])
def test_a_command_that_is_wrong_is_refused(with_engine, options, complaint):
    done = with_engine("worker", *options)
    assert done.returncode == 2
    assert complaint in done.stderr
