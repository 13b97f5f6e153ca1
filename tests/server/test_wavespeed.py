"""WaveSpeed's API v3 as its documents and clients have it."""
import base64
import re

import pytest

MODEL = "/api/v3/wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
PROMPT = {"prompt": "a red ball bounces on a navy background", "seed": 7}


@pytest.fixture(scope="module")
def waiting(front):
    """A prediction that nobody works on."""
    return front.post(MODEL, PROMPT).data


def test_a_submit_is_answered_with_the_whole_prediction(front, waiting):
    assert waiting["status"] == "created"
    assert waiting["model"] == "wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
    assert waiting["input"] == PROMPT
    assert waiting["outputs"] == [] and waiting["has_nsfw_contents"] == []
    assert waiting["error"] == "" and waiting["executionTime"] == 0
    assert waiting["timings"] == {"inference": 0}
    assert waiting["urls"]["get"] == f"{front.url}/api/v3/predictions/{waiting['id']}/result"
    assert None not in waiting.values()


@pytest.mark.parametrize("path", ["/api/v3/predictions/{}", "/api/v3/predictions/{}/result",
                                  "/api/v2/predictions/{}/result"])
def test_a_prediction_is_found_under_all_its_paths(front, waiting, path):
    found = front.get(path.format(waiting["id"])).data
    assert found["id"] == waiting["id"]
    assert found["progress"]["queue_position"] >= 1


def test_a_video_is_made(server, ffprobe):
    submitted = server.post(MODEL, PROMPT).data
    done = server.await_end(submitted["id"])
    assert done["status"] == "completed", done
    assert done["seed"] == 7
    assert any("demo model" in warning for warning in done["warnings"])
    assert done["timings"]["inference"] > 0 and done["executionTime"] > 0
    video = server.get(done["outputs"][0], key=None)
    assert video.status == 200 and video.headers["Content-Type"] == "video/mp4"
    stream = ffprobe(video.body)
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 832, 480)
    poster = server.get(done["poster"], key=None)
    assert poster.headers["Content-Type"] == "image/png"


def test_a_synchronous_submit_is_answered_with_the_video(server):
    done = server.post(MODEL, {**PROMPT, "enable_sync_mode": True}).data
    assert done["status"] == "completed" and len(done["outputs"]) == 1


def test_base64_output_is_the_file_itself(server):
    done = server.post(MODEL, {**PROMPT, "enable_sync_mode": True,
                               "enable_base64_output": True}).data
    assert base64.b64decode(done["outputs"][0], validate=True)[4:8] == b"ftyp"


def test_a_synchronous_submit_that_takes_too_long_goes_on(serve):
    server = serve("--workers", 0, "--sync-seconds", 1)
    answer = server.post(MODEL, {**PROMPT, "enable_sync_mode": True}).data
    assert answer["status"] == "processing" and answer["code"] == 5004
    assert answer["error"].startswith("Sync mode timed out")
    assert answer["outputs"] == []
    assert server.get(f"/api/v3/predictions/{answer['id']}").data["status"] == "created"


def test_every_mistake_is_told_at_once(front):
    answer = front.post(MODEL, {"prompt": "x", "size": "900*900", "duration": 6, "sed": 1})
    assert answer.status == 400 and answer.json["code"] == 400
    for field in ("size", "duration", "sed"):
        assert field in answer.json["message"]


def test_an_unknown_model_is_a_404(front):
    answer = front.post("/api/v3/wavespeed-ai/no-such-model", PROMPT)
    assert answer.status == 404 and "no-such-model" in answer.json["message"]


def test_base64_and_webhook_exclude_each_other(front):
    answer = front.post(MODEL + "?webhook=https://example.com/hook",
                        {**PROMPT, "enable_base64_output": True})
    assert answer.status == 400 and set(answer.json) == {"error"}


@pytest.mark.parametrize("key, status", [(None, 401), ("zt_wrong_key", 401), ("", 401)])
def test_without_a_valid_key_there_is_nothing(front, key, status):
    for method, path in [("POST", MODEL), ("GET", "/api/v3/balance"), ("GET", "/metrics"),
                         ("POST", "/worker/v1/claim"), ("GET", "/v3/async/task-result?task_id=1")]:
        body = PROMPT if method == "POST" else None
        assert front.call(method, path, body, key=key).status == status, path


def test_a_bare_key_is_a_key(front):
    answer = front.get("/api/v3/balance", key=None, headers={"Authorization": front.key})
    assert answer.status == 200


def test_predictions_are_listed_and_deleted(front):
    made = front.post(MODEL, {**PROMPT, "seed": 8}).data["id"]
    listed = front.post("/api/v3/predictions", {"page_size": 5, "status": "created"}).data
    assert made in [item["id"] for item in listed["items"]]
    assert front.post("/api/v3/predictions/delete", {"ids": [made]}).data == {"deleted_count": 1}
    assert front.get(f"/api/v3/predictions/{made}").status == 404


def test_a_waiting_prediction_is_cancelled_at_once(front):
    made = front.post(MODEL, {**PROMPT, "seed": 9}).data["id"]
    cancelled = front.post(f"/api/v3/predictions/{made}/cancel").data
    assert cancelled["status"] == "failed" and "cancel" in cancelled["error"]


def test_models_and_prices_agree(front):
    models = {entry["model_id"]: entry for entry in front.get("/api/v3/models").data}
    entry = models["wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"]
    assert entry["weights"]["asked"] == "wan2.2-t2v-a14b"
    assert f"wan2.2-t2v-a14b: {entry['weights']['served_by'] or 'nothing'}" in front.screen
    question = {"model_id": entry["model_id"], "inputs": PROMPT}
    assert front.post("/api/v3/model/pricing", question).data["unit_price"] == entry["base_price"]
    assert front.post("/api/v3/model/price", question).data["price"] == entry["base_price"]


def test_an_idempotency_key_makes_one_prediction(front):
    headers = {"Idempotency-Key": "order-1"}
    first = front.post(MODEL, PROMPT, headers=headers).data["id"]
    assert front.post(MODEL, PROMPT, headers=headers).data["id"] == first
    assert front.post(MODEL, {**PROMPT, "seed": 1}, headers=headers).status == 422
    assert front.post(MODEL, PROMPT).data["id"] != first


def test_a_completed_prediction_is_charged(server):
    before = server.get("/api/v3/account/usage").data
    done = server.post(MODEL, {**PROMPT, "seed": 10, "enable_sync_mode": True}).data
    assert done["status"] == "completed"
    after = server.get("/api/v3/account/usage").data
    assert after["total_cost"] == pytest.approx(before["total_cost"] + 0.05)
    assert after["total_requests"] == before["total_requests"] + 1


def test_who_has_seen_the_end_of_a_prediction_is_told_that_there_is_no_more(front):
    made = front.post(MODEL, PROMPT).data["id"]
    path = f"/api/v3/predictions/{made}/events"
    front.post(f"/api/v3/predictions/{made}/cancel")
    ids = re.findall(r"^id: (\d+)$", front.get(path).body.decode(), re.M)
    # 204 is what keeps a browser from coming back again and again.
    for seen in (ids[-1], "9000000000000000000"):
        assert front.get(path, headers={"Last-Event-ID": seen}, timeout=5).status == 204


def test_an_idempotency_key_is_printable(front):
    for key in ("é", "\x80", " ", "k" * 256):
        answer = front.post(MODEL, PROMPT, headers={"Idempotency-Key": key})
        assert answer.status == 400 and "Idempotency-Key" in answer.json["message"], key
