"""A disk without room: nothing new is taken in, all else goes on, and it heals by itself."""
import contextlib
import shutil
import subprocess
import time

import pytest

from fake_worker import FakeWorker, video_of
from test_uploads import PNG, form, ticket

MODEL = "/api/v3/wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
PROMPT = {"prompt": "a red ball bounces on a navy background"}


def submit(server, seed):
    return server.post(MODEL, {**PROMPT, "seed": seed})


def worker_of(zoetrope, server):
    made = zoetrope("keys", "create", "--scopes", "worker", "--data", server.data)
    assert made.returncode == 0, made.stderr
    return FakeWorker(server, made.stdout.strip())


def refused(answer):
    assert answer.status == 507, (answer.status, answer.body)
    assert int(answer.headers["Retry-After"]) > 0
    assert "disk" in answer.json["message"]
    return answer


def check_that_nothing_new_comes_in(server, old_ticket):
    refused(submit(server, 1001))
    assert refused(server.post("/v3/async/wan-t2v", PROMPT)).json["reason"] == "SERVICE_NOT_AVAILABLE"
    body, headers = form(PNG)
    for path in ("/api/v3/media/upload/binary", "/api/v2/media/upload/binary", "/api/v3/upload"):
        refused(server.post(path, body, headers=headers))
    refused(server.post("/api/v3/media/uploads", {"filename": "a.png", "size": len(PNG)}))
    upload = old_ticket["upload"]
    refused(server.call("PUT", upload["url"], PNG, key=None, headers=upload["headers"]))
    health = server.get("/readyz", key=None)
    assert health.status == 503 and "disk" in health.json["reason"]


def check_that_all_else_goes_on(server, waiting, deleted):
    for path in ("/livez", "/version", "/openapi.json"):
        assert server.get(path, key=None).status == 200
    for path in ("/api/v3/balance", "/api/v3/account/usage", "/api/v3/models",
                 f"/api/v3/predictions/{waiting}", f"/v3/async/task-result?task_id={waiting}"):
        assert server.get(path).status == 200, path
    assert server.post("/api/v3/predictions").data["total"] >= 2
    assert server.post(f"/api/v3/predictions/{waiting}/cancel").data["status"] == "failed"
    assert server.post("/api/v3/predictions/delete", {"ids": [deleted]}).data == {"deleted_count": 1}
    assert server.get(f"/api/v3/predictions/{deleted}").status == 404


def test_below_the_floor_nothing_new_is_taken_in(zoetrope, serve):
    server = serve("--workers", 0)
    worker = worker_of(zoetrope, server)
    running, waiting, deleted = (submit(server, seed).data["id"] for seed in (1, 2, 3))
    old_ticket = ticket(server)
    server.stop()
    server.options = ("--workers", 0, "--free-disk-megabytes",
                      (shutil.disk_usage(server.data).total >> 20) + 1)
    server.start()
    check_that_nothing_new_comes_in(server, old_ticket)
    task = worker.claim()
    assert task["id"] == running and worker.heartbeat(task).status == 200
    check_that_all_else_goes_on(server, waiting, deleted)
    # What was accepted comes to its end: the floor is kept free for that.
    assert worker.work(task) == 200
    done = server.get(f"/api/v3/predictions/{running}").data
    assert server.get(done["outputs"][0], key=None).body == video_of(task)
    server.stop()
    server.options = ("--workers", 0)
    server.start()
    assert submit(server, 4).status == 200


@contextlib.contextmanager
def small_disk(folder, megabytes):
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
                             capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk):
    """Takes all that is free, to the last byte; the file that does."""
    filler = disk / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 20, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)):
                    pass
    return filler


def test_a_disk_filled_to_the_last_byte_loses_nothing_and_heals(zoetrope, serve, tmp_path):
    with small_disk(tmp_path / "disk", 256) as disk:
        server = serve("--workers", 0, data=disk / "data")
        worker = worker_of(zoetrope, server)
        running, waiting, deleted, kept = (submit(server, seed).data["id"] for seed in range(4))
        old_ticket = ticket(server)
        task = worker.claim()
        assert task["id"] == running
        filler = fill(disk)
        check_that_nothing_new_comes_in(server, old_ticket)
        check_that_all_else_goes_on(server, waiting, deleted)
        assert worker.heartbeat(task, {"phase": "denoise", "percent": 5}).status == 200
        answer, _ = worker.put(task, bytes(100_000_000))
        refused(answer)
        assert server.process.poll() is None
        filler.unlink()
        await_room(server)
        assert worker.work(task) == 200
        assert server.get(f"/api/v3/predictions/{running}").data["status"] == "completed"
        assert server.get(f"/api/v3/predictions/{kept}").data["status"] == "created"
        left = list((disk / "data/files/tmp").iterdir())
        assert left == [], "halves of files stay"
        assert server.stop() == 0


def await_room(server):
    deadline = time.monotonic() + 20  # the reserve is made anew every 5 s
    while (answer := submit(server, 10)).status == 507:
        assert time.monotonic() < deadline, answer.body
        time.sleep(0.2)
    assert answer.status == 200
