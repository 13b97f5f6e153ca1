"""What is promised for days: the server's wall clock goes on, and it is killed at each stop."""
import pytest

from callers import MODEL
from fake_worker import FakeWorker
from service import Client, wait_until

HOUR_MS = 3_600_000
WEEK_HOURS = 7 * 24
KEY = {"Idempotency-Key": "of last week"}
BODY = {"prompt": "a red ball", "seed": 1}


@pytest.fixture()
def service(make_service):
    service = make_service()
    service.worker_key = service.make_key("--scopes", "worker")
    service.key = service.make_key()
    service.start()
    return service


def go_to(service, hours):
    service.kill()
    service.page.wall_ms = hours * HOUR_MS
    service.start()
    return service.client()


def test_an_idempotency_key_is_known_for_a_week(service):
    task = service.client().post(MODEL, BODY, headers=KEY).json["data"]["id"]
    client = go_to(service, WEEK_HOURS - 1)
    assert client.post(MODEL, BODY, headers=KEY).json["data"]["id"] == task
    assert client.post(MODEL, {**BODY, "seed": 2}, headers=KEY).status == 422
    client = go_to(service, WEEK_HOURS + 1)
    assert client.post(MODEL, BODY, headers=KEY).json["data"]["id"] != task


def test_a_task_is_there_until_its_week_is_over(service):
    made = service.client().post(MODEL, BODY).json["data"]["id"]
    worker = FakeWorker(Client(service.address), service.worker_key)
    assert worker.work(worker.claim()) == 200
    path = f"/api/v3/predictions/{made}"
    client = go_to(service, WEEK_HOURS - 1)
    assert client.get(path).json["data"]["status"] == "completed"
    client = go_to(service, WEEK_HOURS + 1)
    assert wait_until(lambda: client.get(path).status == 404)
    assert client.get("/api/v3/account/usage").json["data"]["total_requests"] == 1
