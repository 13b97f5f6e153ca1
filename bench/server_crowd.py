"""Clients that are not in a hurry: workers that wait, connections that idle, headers that drip."""
import collections
import contextlib
import multiprocessing
import selectors
import socket
import threading
import time

ENDPOINT = "/api/v3/wavespeed-ai/wan-2.1/t2v-480p"
WEIGHTS = "wan2.1-t2v-14b"
GET = b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n"
DRIPS = b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: " + b"s" * 1000


def hand_over_times(server, count):
    """Milliseconds from sending a submit to the end of the claim that it answers, sorted."""
    claims = server.connect()
    submits = server.connect()
    question = {"worker": "idle", "weights": [WEIGHTS], "wait_ms": 20_000}
    times = []
    for number in range(count):
        arrived = []

        def wait():
            status, answer = server.call("POST", "/worker/v1/claim", question, claims)
            arrived.append(time.monotonic())
            assert status == 200 and answer["task"], answer

        worker = threading.Thread(target=wait)
        worker.start()
        time.sleep(0.02)  # so that the claim waits
        sent = time.monotonic()
        status, answer = server.call("POST", ENDPOINT, {"prompt": f"scene {number}"}, submits)
        assert status == 200, answer
        worker.join()
        times.append((arrived[0] - sent) * 1000)
    return sorted(times)


def connect(port):
    one = socket.create_connection(("127.0.0.1", port))
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one


@contextlib.contextmanager
def idle_connections(port, count):
    """Connections that have had one answer and stay open."""
    crowd = []
    try:
        for _ in range(count):
            one = connect(port)
            crowd.append(one)
            one.sendall(GET)
            assert b" 200 " in one.recv(4096)
        yield
    finally:
        for one in crowd:
            one.close()


def drip(port, count, ready):
    """Every connection sends one byte of a header per second, and comes again when it is cut. They
    take turns: a hundred at a time would be a flood of its own."""
    selector = selectors.DefaultSelector()
    turns = collections.deque()

    def come():
        one = connect(port)
        one.setblocking(False)
        selector.register(one, selectors.EVENT_READ)
        turns.append([one, 0])

    for _ in range(count):
        come()
    ready.set()
    due = time.monotonic()
    while True:
        due += 1 / count
        one, sent = turns.popleft()
        if one.fileno() >= 0:
            with contextlib.suppress(OSError):
                one.send(DRIPS[sent:sent + 1])
            turns.append([one, (sent + 1) % len(DRIPS)])
        while (left := due - time.monotonic()) > 0:
            for key, _ in selector.select(left):  # an answer, 408, or the end
                selector.unregister(key.fileobj)
                key.fileobj.close()
                come()


@contextlib.contextmanager
def slow_clients(port, count):
    ready = multiprocessing.Event()
    process = multiprocessing.Process(target=drip, args=(port, count, ready))
    process.start()
    try:
        ready.wait(60)
        yield
    finally:
        process.kill()
        process.join()
