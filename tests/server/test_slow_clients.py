"""Clients that take their time, leave half-way or are too many: the others are served all the same.

The times after which such clients are cut are tested with a clock of their own in src/http; here it is
the whole server, and what others notice.
"""
import http.client
import json
import pathlib
import resource
import select
import socket
import subprocess
import sys
import threading
import time

import pytest

from fake_worker import FakeWorker

HERE = pathlib.Path(__file__).parent
MODEL = "/api/v3/wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
PROMPT = {"prompt": "a red ball bounces on a navy background"}
NOTICED_MS = 20  # what is quicker than this nobody notices, and a busy machine does not keep to


@pytest.fixture(scope="module")
def front(serve):
    return serve("--workers", 0)


def connect(server, content=b""):
    host, port = server.address.rsplit(":", 1)
    wire = socket.create_connection((host, int(port)), 10)
    wire.sendall(content)
    return wire


def request(server, method, path, fields="", body=b""):
    return (f"{method} {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {server.key}\r\n"
            f"{fields}\r\n").encode() + body


def connections(server, zoetrope):
    if not hasattr(server, "metrics_key"):
        made = zoetrope("keys", "create", "--scopes", "metrics", "--data", server.data)
        server.metrics_key = made.stdout.strip()
    text = server.get("/metrics", key=server.metrics_key).body.decode()
    return next(int(float(line.split()[-1])) for line in text.splitlines()
                if line.startswith("zoetrope_http_connections "))


def await_connections(server, zoetrope, most, seconds=10):
    deadline = time.monotonic() + seconds
    while (count := connections(server, zoetrope)) > most:
        assert time.monotonic() < deadline, f"{count} connections, {most} expected"
        time.sleep(0.05)


def resident_megabytes(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def polls(server, task, count=400):
    """Milliseconds of each poll of a good client: sorted."""
    client = http.client.HTTPConnection(server.address, timeout=30)
    times = []
    for _ in range(count):
        begun = time.perf_counter()
        client.request("GET", f"/api/v3/predictions/{task}/result",
                       headers={"Authorization": f"Bearer {server.key}"})
        reply = client.getresponse()
        body = reply.read()
        times.append((time.perf_counter() - begun) * 1000)
        assert reply.status == 200, body
    client.close()
    return sorted(times)


def p99(server, task):
    """The best of three: others use this machine too."""
    return min(times[int(len(times) * 0.99)] for times in (polls(server, task) for _ in range(3)))


@pytest.mark.parametrize("kind, count", [("head", 10_000), ("body", 2_000)])
def test_thousands_that_drip_do_not_slow_a_good_client(front, zoetrope, kind, count):
    task = front.post(MODEL, PROMPT).data["id"]
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if (files - 512) * 4 // 5 < count:
        pytest.skip(f"a process may open only {files} files here")
    alone = p99(front, task)
    before = resident_megabytes(front)
    host, port = front.address.rsplit(":", 1)
    drip = subprocess.Popen([sys.executable, HERE / "drip.py", host, port, str(count), kind, front.key],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert drip.stdout.readline() == "ready\n"
        assert connections(front, zoetrope) >= count
        beside = p99(front, task)
        megabytes = resident_megabytes(front) - before
        print(f"\n  p99 of a poll: {alone:.2f} ms alone, {beside:.2f} ms beside {count} that drip a "
              f"{kind}; {megabytes * 1024 / count:.1f} kB each")
        assert beside <= max(2 * alone, NOTICED_MS)
        assert megabytes * 1024 / count < 32
    finally:
        drip.stdin.close()
        drip.wait(30)
    await_connections(front, zoetrope, 5)


def test_those_who_do_not_read_their_video_hold_nothing_up(front, zoetrope):
    made = zoetrope("keys", "create", "--scopes", "worker", "--data", front.data)
    worker = FakeWorker(front, made.stdout.strip())
    video = bytes(64 << 20)
    task = worker.claim() or (front.post(MODEL, PROMPT), worker.claim())[1]
    answer, file = worker.put(task, video)
    assert answer.status == 200 and worker.finish(task, [file]).status == 200
    link = front.get(f"/api/v3/predictions/{task['id']}").data["outputs"][0].removeprefix(front.url)
    before = resident_megabytes(front)
    stuck = [connect(front, request(front, "GET", link)) for _ in range(200)]
    assert all(wire.recv(12) == b"HTTP/1.1 200" for wire in stuck)
    assert p99(front, task["id"]) < 1000
    assert resident_megabytes(front) - before < 64, "videos are sent out of the file, not of memory"
    # One that reads gets it whole while the others do not.
    assert front.get(link, key=None).body == video
    for wire in stuck:
        wire.close()
    await_connections(front, zoetrope, 5)


def test_those_who_leave_are_forgotten(front, zoetrope):
    body = json.dumps({**PROMPT, "enable_sync_mode": True}).encode()
    fields = f"Content-Length: {len(body)}\r\n"
    gone = [connect(front, content) for content in (
        b"", b"GET", request(front, "POST", MODEL, fields), request(front, "POST", MODEL, fields, body),
        request(front, "POST", "/api/v3/upload", "Content-Type: multipart/form-data; boundary=b\r\n"
                "Content-Length: 9000000\r\n", b"--b\r\n" * 1000),
    ) for _ in range(20)]
    for i, wire in enumerate(gone):
        if i % 2:  # by a reset and not by an orderly end
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        wire.close()
    await_connections(front, zoetrope, 5)
    left = list((front.data / "files/tmp").iterdir())
    assert left == [], "halves of uploads stay"


def test_many_who_wait_for_events_leave_room_for_others(front, zoetrope):
    task = front.post(MODEL, {**PROMPT, "seed": 4}).data["id"]
    waiting = [connect(front, request(front, "GET", f"/api/v3/predictions/{task}/events"))
               for _ in range(1000)]
    for wire in waiting:
        assert wire.recv(12) == b"HTTP/1.1 200"
    assert p99(front, task) < 1000
    front.post(f"/api/v3/predictions/{task}/cancel")
    for wire in waiting:
        with wire, wire.makefile("rb") as lines:
            assert b"event: failed\n" in lines.read()
    await_connections(front, zoetrope, 5)


def test_without_files_left_it_goes_on_when_there_are_some_again(serve):
    server = serve("--workers", 0)
    process = server.process.pid
    _, most = resource.prlimit(process, resource.RLIMIT_NOFILE)
    opened = len(list(pathlib.Path(f"/proc/{process}/fd").iterdir()))
    resource.prlimit(process, resource.RLIMIT_NOFILE, (opened + 8, most))
    crowd = [connect(server, b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(40)]
    served = [wire for wire in crowd[:8] if wire.recv(12) == b"HTTP/1.1 200"]
    assert served
    resource.prlimit(process, resource.RLIMIT_NOFILE, (most, most))
    for wire in crowd:
        wire.close()
    assert server.post(MODEL, PROMPT).status == 200
    assert server.log.read_text().count("cannot accept a connection") == 1
    assert server.stop() == 0


def test_more_connections_than_it_may_have_are_turned_away(zoetrope, serve, tmp_path):
    # 600 files are enough for 275 connections.
    narrow = tmp_path / "zoetrope"
    narrow.write_text(f'#!/bin/sh\nulimit -n 600\nexec "{zoetrope.path}" "$@"\n')
    narrow.chmod(0o700)
    server = serve("--workers", 0, program=narrow)
    crowd = []
    answers = []
    for _ in range(400):
        crowd.append(connect(server, b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"))
        try:
            answers.append(crowd[-1].recv(12))
        except ConnectionError:
            answers.append(b"")
    assert answers.count(b"HTTP/1.1 200") == 275
    assert set(answers[275:]) <= {b"HTTP/1.1 503", b""} and b"HTTP/1.1 503" in answers[275:]
    for wire in crowd:
        wire.close()
    deadline = time.monotonic() + 10
    while server.get("/livez", key=None).status != 200:
        assert time.monotonic() < deadline
    assert server.post(MODEL, PROMPT).status == 200


def test_bodies_that_never_end_do_not_fill_the_memory(front, zoetrope):
    # All but the last byte of a megabyte, from each of a thousand.
    before = resident_megabytes(front)
    fields = "Content-Length: 1000000\r\n"
    crowd = []
    for _ in range(600):
        crowd.append(connect(front, request(front, "POST", "/api/v3/predictions", fields)))
        try:
            crowd[-1].sendall(b" " * 999_999)
        except ConnectionError:
            pass  # refused meanwhile
    assert resident_megabytes(front) - before < 600
    assert front.post(MODEL, {**PROMPT, "seed": 5}).status == 200
    refused = [wire for wire in crowd if select.select([wire], [], [], 0)[0]]
    assert refused and all(wire.recv(12) == b"HTTP/1.1 503" for wire in refused)
    for wire in crowd:
        wire.close()
    await_connections(front, zoetrope, 5)
    assert front.post("/api/v3/predictions", b" " * 500_000 + b"{}").status == 200


def test_pipelined_requests_of_one_client_take_no_more_than_one_place(front):
    # A thousand at once are answered one after another, while others are served in between.
    wire = connect(front)
    count = 1000
    sender = threading.Thread(
        target=lambda: wire.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * count))
    sender.start()
    assert front.get("/livez", key=None).status == 200
    received = b""
    while received.count(b"HTTP/1.1 200") < count or not received.endswith(b"}"):
        piece = wire.recv(1 << 20)
        assert piece
        received += piece
    sender.join()
    wire.close()
