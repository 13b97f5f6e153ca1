"""Webhooks: signed as the vendor signs, repeated until they are taken, never in the way."""
import hashlib
import hmac
import http.server
import json
import threading
import time

import pytest

MODEL = "/api/v3/wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
INPUT = {"prompt": "a red ball bounces on a navy background", "seed": 4}


class Receiver:
    """A small web server that keeps what it is sent."""

    def __init__(self):
        self.received = []
        self.statuses = []  # to answer with, in order; 200 when they are used up
        self.arrived = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.arrived:
                    status = receiver.statuses.pop(0) if receiver.statuses else 200
                    receiver.received.append((dict(self.headers.items()), body))
                    receiver.arrived.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count, seconds=60):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.received) >= count, seconds), \
                f"{len(self.received)} of {count} came"
            return self.received[:count]

    def stop(self):
        self.server.shutdown()


@pytest.fixture()
def receiver():
    made = Receiver()
    yield made
    made.stop()


def check_signature(server, headers, body):
    fields = {name.lower(): value for name, value in headers.items()}
    secret = server.get("/api/v3/webhook/secret").data["secret"]
    assert secret.startswith("whsec_")
    signed = f"{fields['webhook-id']}.{fields['webhook-timestamp']}.".encode() + body
    expected = hmac.new(secret[len("whsec_"):].encode(), signed, hashlib.sha256).hexdigest()
    assert fields["webhook-signature"] == f"v3,{expected}"
    assert abs(int(fields["webhook-timestamp"]) - time.time()) < 300
    return fields


def test_the_end_of_a_prediction_is_told(server, receiver):
    made = server.post(f"{MODEL}?webhook={receiver.url}", INPUT).data
    (headers, body), = receiver.wait(1, 240)
    check_signature(server, headers, body)
    told = json.loads(body)
    assert told["id"] == made["id"] and told["status"] == "completed"
    assert "code" not in told and told["input"] == INPUT
    assert server.get(told["outputs"][0], key=None).status == 200


def test_a_cancelled_prediction_is_told_without_outputs(serve, receiver):
    server = serve("--workers", 0, "--allow-address", "127.0.0.0/8")
    made = server.post(f"{MODEL}?webhook={receiver.url}", INPUT).data
    server.post(f"/api/v3/predictions/{made['id']}/cancel")
    (headers, body), = receiver.wait(1)
    check_signature(server, headers, body)
    told = json.loads(body)
    assert told["status"] == "failed" and "outputs" not in told and told["error"]


def test_a_webhook_that_is_refused_comes_again_with_the_same_id(serve, receiver):
    server = serve("--workers", 0, "--allow-address", "127.0.0.0/8")
    receiver.statuses = [500]
    made = server.post(f"{MODEL}?webhook={receiver.url}", INPUT).data
    server.post(f"/api/v3/predictions/{made['id']}/cancel")
    first, second = receiver.wait(2)
    assert first[1] == second[1]
    ids = [check_signature(server, headers, body)["webhook-id"] for headers, body in (first, second)]
    assert ids[0] == ids[1]


def test_a_webhook_is_sent_again_when_asked_for(serve, receiver):
    server = serve("--workers", 0, "--allow-address", "127.0.0.0/8")
    made = server.post(f"{MODEL}?webhook={receiver.url}", INPUT).data
    assert server.post(f"/api/v3/predictions/{made['id']}/webhook").status == 404, "not ended yet"
    server.post(f"/api/v3/predictions/{made['id']}/cancel")
    receiver.wait(1)
    assert server.post(f"/api/v3/predictions/{made['id']}/webhook").data["id"] == made["id"]
    first, second = receiver.wait(2)
    assert first[1] == second[1]


def test_a_webhook_to_this_machine_is_not_sent_unless_allowed(serve, receiver):
    server = serve("--workers", 0)
    made = server.post(f"{MODEL}?webhook={receiver.url}", INPUT).data
    server.post(f"/api/v3/predictions/{made['id']}/cancel")
    deadline = time.monotonic() + 30
    while b"fetch_refused" not in server.log.read_bytes():
        assert time.monotonic() < deadline, "the refusal is not in the log"
        time.sleep(0.1)
    assert receiver.received == []


def test_novitas_event_has_its_own_form(serve, receiver):
    server = serve("--workers", 0, "--allow-address", "127.0.0.0/8")
    answer = server.post("/v3/async/wan-t2v",
                         {"prompt": "a red ball", "extra": {"webhook": {
                             "url": receiver.url,
                             "test_mode": {"enabled": True,
                                           "return_task_status": "TASK_STATUS_SUCCEED"}}}})
    assert answer.status == 200, answer.body
    (_, body), = receiver.wait(1)
    event = json.loads(body)
    assert event["event_type"] == "ASYNC_TASK_RESULT"
    assert event["payload"]["task"]["task_id"] == answer.json["task_id"]
    assert event["payload"]["task"]["status"] == "TASK_STATUS_SUCCEED"
