"""What an operator does: start, look, keys, settings, stop."""
import json
import re
import signal
import socket
import subprocess

import pytest

MODEL = "/api/v3/wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
PROMPT = {"prompt": "a red ball bounces on a navy background"}


def test_the_first_screen_says_all_that_is_needed(front):
    for word in ("address", "key", "zt_", "workers", "weights", "wan2.2-t2v-a14b", "curl"):
        assert word in front.screen


def test_the_curl_of_the_first_screen_works_when_pasted(server):
    command = server.screen[server.screen.index("  curl"):]
    done = subprocess.run(["sh", "-c", command.replace("curl ", "curl -s ", 1)],
                          capture_output=True, text=True, timeout=240)
    assert json.loads(done.stdout)["data"]["status"] == "completed", done


def test_it_says_what_it_is(front):
    assert front.get("/", key=None).json["name"] == "zoetrope"
    assert front.get("/version", key=None).json["version"]
    assert front.get("/openapi.json", key=None).json["openapi"] == "3.1.0"
    assert front.get("/healthz", key=None).status == 503


@pytest.mark.parametrize("host, told", [("videos.lan:8000", "http://videos.lan:8000"),
                                        ("[fd00::1]:80", "http://[fd00::1]:80")])
def test_addresses_are_those_by_which_the_caller_came(front, host, told):
    ticket = front.post("/api/v3/media/uploads", {"filename": "a.png", "size": 3},
                        headers={"Host": host}).data
    task = front.post(MODEL, PROMPT, headers={"Host": host}).data
    models = front.get("/api/v3/models", headers={"Host": host})
    assert ticket["upload"]["url"].startswith(told + "/uploads/")
    assert ticket["download_url"].startswith(told + "/uploads/")
    assert task["urls"]["get"] == f"{told}/api/v3/predictions/{task['id']}/result"
    assert f'"server":"{told}"' in models.body.decode()


def test_a_public_url_is_told_to_everybody(serve):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = serve("--workers", 0, "--public-url", "https://videos.example/",
                   address=f"127.0.0.1:{port}")
    task = server.post(MODEL, PROMPT, headers={"Host": "videos.lan"}).data
    assert task["urls"]["get"].startswith("https://videos.example/api/v3/")
    assert server.get("/openapi.json").json["servers"] == [{"url": "https://videos.example"}]


def test_it_is_ready_when_a_worker_has_called(server, front):
    assert server.get("/livez", key=None).status == 200
    assert server.get("/readyz", key=None).status == 200
    assert server.get("/healthz", key=None).status == 200
    answer = front.get("/readyz", key=None)
    assert answer.status == 503 and "worker" in answer.json["reason"]


def test_metrics_are_prometheus_text(server):
    text = server.get("/metrics").body.decode()
    for name in ("zoetrope_http_requests_total", "zoetrope_tasks_waiting", "zoetrope_workers 1"):
        assert name in text, text


def test_the_key_is_in_no_log(server):
    server.get("/api/v3/balance")
    log = server.log.read_text()
    assert server.key not in log and server.key.split("_")[2] not in log
    assert "navy" not in log, "a prompt is in the log"


@pytest.mark.parametrize("running", [True, False])
def test_keys_are_made_listed_and_revoked(zoetrope, serve, running):
    server = serve("--workers", 0)
    if not running:
        server.stop()

    def keys(*arguments):
        done = zoetrope("keys", *arguments, "--data", server.data)
        assert done.returncode == 0, done.stderr
        return done.stdout

    key = keys("create", "--name", "friend", "--queued", 1).strip()
    identity = key.split("_")[1]
    assert re.fullmatch(r"zt_[0-9A-Za-z]+_[0-9A-Za-z]{43,}", key)
    assert identity in keys("list") and "friend" in keys("list")
    if not running:
        server.start()
    assert server.get("/api/v3/balance", key=key).status == 200
    keys("revoke", identity)
    assert server.get("/api/v3/balance", key=key).status == 401
    assert "REVOKED" in keys("list")


def test_limits_of_a_key_hold(zoetrope, front):
    made = zoetrope("keys", "create", "--queued", 2, "--tenant", "limited", "--data", front.data)
    key = made.stdout.strip()
    for seed in (1, 2):
        assert front.post(MODEL, {**PROMPT, "seed": seed}, key=key).status == 200
    third = front.post(MODEL, {**PROMPT, "seed": 3}, key=key)
    assert third.status == 429 and third.headers["Retry-After"]


def test_a_spending_cap_holds(zoetrope, front):
    made = zoetrope("keys", "create", "--spending-cap", "0.07", "--tenant", "poor",
                    "--data", front.data)
    key = made.stdout.strip()
    assert front.post(MODEL, {**PROMPT, "seed": 1}, key=key).status == 200
    assert front.post(MODEL, {**PROMPT, "seed": 2}, key=key).status == 403


def test_calls_per_minute_are_limited(zoetrope, front):
    made = zoetrope("keys", "create", "--requests-per-minute", 3, "--data", front.data)
    key = made.stdout.strip()
    statuses = [front.get("/api/v3/balance", key=key).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


def test_tenants_do_not_see_each_other(zoetrope, front):
    other = zoetrope("keys", "create", "--tenant", "other", "--data", front.data).stdout.strip()
    mine = front.post(MODEL, {**PROMPT, "seed": 77}).data["id"]
    for method, path in [("GET", f"/api/v3/predictions/{mine}"),
                         ("GET", f"/api/v3/predictions/{mine}/events"),
                         ("POST", f"/api/v3/predictions/{mine}/cancel"),
                         ("GET", f"/v3/async/task-result?task_id={mine}")]:
        assert front.call(method, path, key=other).status == 404, path
    assert front.post("/api/v3/predictions/delete", {"ids": [mine]}, key=other).data == {
        "deleted_count": 0}
    assert front.get(f"/api/v3/predictions/{mine}").status == 200


def test_on_other_addresses_it_does_not_start_without_a_key(zoetrope, tmp_path):
    done = zoetrope("serve", "--listen", "0.0.0.0:0", "--data", tmp_path, "--workers", 0, timeout=60)
    assert done.returncode == 2 and "keys create" in done.stderr


def test_an_unknown_setting_stops_the_start(zoetrope, tmp_path):
    (tmp_path / "zoetrope.toml").write_text("wokers = 2\n")
    done = zoetrope("serve", "--config", tmp_path / "zoetrope.toml", timeout=60)
    assert done.returncode == 2
    assert "wokers: no such setting; did you mean workers?" in done.stderr


def test_a_second_server_on_the_same_data_is_refused(zoetrope, front):
    done = zoetrope("serve", "--listen", "127.0.0.1:0", "--data", front.data, "--workers", 0,
                    timeout=60)
    assert done.returncode != 0 and "another" in done.stderr


def test_tasks_outlive_the_server(serve):
    server = serve("--workers", 0)
    made = server.post(MODEL, PROMPT).data["id"]
    assert server.stop(signal.SIGKILL) == -signal.SIGKILL
    server.start()
    assert server.get(f"/api/v3/predictions/{made}").data["status"] == "created"


def test_sigterm_ends_it_in_order(serve):
    server = serve("--workers", 0)
    assert server.stop() == 0


def test_events_follow_a_prediction(server):
    made = server.post(MODEL, {**PROMPT, "seed": 5}).data["id"]
    text = server.get(f"/api/v3/predictions/{made}/events", timeout=240).body.decode()
    names = re.findall(r"^event: (\w+)$", text, re.M)
    assert names[0] == "created" and names[-1] == "completed" and "progress" in names
    ids = [int(number) for number in re.findall(r"^id: (\d+)$", text, re.M)]
    assert ids == sorted(ids)
    rest = server.get(f"/api/v3/predictions/{made}/events",
                      headers={"Last-Event-ID": str(ids[-2])}).body.decode()
    assert re.findall(r"^event: (\w+)$", rest, re.M) == ["completed"]


def test_a_running_prediction_is_cancelled_within_a_step(server):
    made = server.post("/api/v3/wavespeed-ai/wan-2.2/t2v-720p", {**PROMPT, "duration": 8}).data["id"]
    while server.get(f"/api/v3/predictions/{made}").data["status"] == "created":
        pass
    server.post(f"/api/v3/predictions/{made}/cancel")
    done = server.await_end(made, 30)
    assert done["status"] == "failed" and "cancel" in done["error"]
