"""What workers call: leases, fences, failures, results."""
import base64
import threading
import time
import urllib.parse

import pytest

from fake_worker import FakeWorker, video_of

MODEL = "/api/v3/wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
PROMPT = {"prompt": "a red ball bounces on a navy background"}


@pytest.fixture()
def front(serve):
    """A queue of its own for every test."""
    return serve("--workers", 0)


@pytest.fixture()
def worker(zoetrope, front):
    made = zoetrope("keys", "create", "--scopes", "worker", "--data", front.data)
    assert made.returncode == 0, made.stderr
    return FakeWorker(front, made.stdout.strip())


def status_of(front, task):
    return front.get(f"/api/v3/predictions/{task}").data


def test_a_task_is_claimed_run_and_finished(front, worker):
    made = front.post(MODEL, {**PROMPT, "seed": 5}).data["id"]
    task = worker.claim()
    assert task["id"] == made and task["attempt"] == 1
    assert task["kind"] == "text_to_video" and task["weights"] == "wan2.2-t2v-a14b"
    assert task["request"]["prompt"] == PROMPT["prompt"] and task["request"]["seed"] == 5
    assert status_of(front, made)["status"] == "processing"
    assert worker.work(task) == 200
    done = status_of(front, made)
    assert done["status"] == "completed" and done["seed"] == 1
    assert front.get(done["outputs"][0], key=None).body == video_of(task)


def test_nothing_is_claimed_where_nothing_waits(worker):
    assert worker.claim() is None


def test_a_waiting_claim_gets_a_task_as_soon_as_it_comes(front, worker):
    claimed = []
    thread = threading.Thread(target=lambda: claimed.append((worker.claim(20000), time.monotonic())))
    thread.start()
    time.sleep(0.3)  # so that the claim is there first
    front.post(MODEL, PROMPT)
    submitted = time.monotonic()
    thread.join()
    task, at = claimed[0]
    assert task is not None and at - submitted < 1


def test_tasks_of_a_key_with_a_higher_priority_run_first(zoetrope, front, worker):
    made = zoetrope("keys", "create", "--priority", 5, "--data", front.data)
    first = front.post(MODEL, PROMPT).data["id"]
    urgent = front.post(MODEL, PROMPT, key=made.stdout.strip()).data["id"]
    assert [worker.claim()["id"], worker.claim()["id"]] == [urgent, first]
    assert '"priority":5' in zoetrope("keys", "list", "--json", "--data", front.data).stdout


def test_progress_is_seen_by_the_caller(front, worker):
    made = front.post(MODEL, PROMPT).data["id"]
    task = worker.claim()
    progress = {"phase": "denoise", "step": 3, "steps": 4, "percent": 70, "eta_seconds": 2.5}
    assert worker.heartbeat(task, progress).json["cancel"] is False
    assert status_of(front, made)["progress"] == progress
    result = front.get(f"/v3/async/task-result?task_id={made}").json
    assert result["task"]["progress_percent"] == 70


def test_metrics_count_what_became_of_the_tasks(front, worker):
    front.post(MODEL, PROMPT)
    task = worker.claim()
    _, file = worker.put(task, b"abc")
    done = worker.finish(task, [file], phases_ms={"text": 20, "denoise": 1200}, steps=4)
    assert done.status == 200
    cancelled = front.post(MODEL, PROMPT).data["id"]
    front.post(f"/api/v3/predictions/{cancelled}/cancel")
    text = front.get("/metrics").body.decode()
    model = 'model="wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"'
    for line in (f'zoetrope_tasks_total{{{model},status="completed"}} 1',
                 f'zoetrope_tasks_total{{{model},status="cancelled"}} 1',
                 f"zoetrope_task_queue_seconds_count{{{model}}} 1",
                 f"zoetrope_task_seconds_count{{{model}}} 1",
                 'zoetrope_phase_seconds_sum{phase="denoise"} 1.2',
                 "zoetrope_step_seconds_sum 0.3"):
        assert line in text, text


def test_phases_that_are_none_are_refused(front, worker):
    front.post(MODEL, PROMPT)
    task = worker.claim()
    _, file = worker.put(task, b"abc")
    answer = worker.finish(task, [file], phases_ms={"a phase": 1})
    assert answer.status == 400 and "a phase" in answer.json["message"]


def test_what_an_old_attempt_says_is_refused(front, worker):
    front.post(MODEL, PROMPT)
    task = worker.claim()
    assert worker.release(task).status == 200
    again = worker.claim()
    assert again["id"] == task["id"] and again["token"] != task["token"]
    for call in (worker.heartbeat(task), worker.put(task, b"late")[0], worker.finish(task, []),
                 worker.fail(task, "internal"), worker.release(task)):
        assert call.status in (400, 409), call.body
    assert worker.heartbeat(task).status == 409
    assert worker.work(again) == 200


def test_a_cancelled_task_is_told_so_and_stays_failed(front, worker):
    made = front.post(MODEL, PROMPT).data["id"]
    task = worker.claim()
    front.post(f"/api/v3/predictions/{made}/cancel")
    assert worker.heartbeat(task).json["cancel"] is True
    assert worker.work(task) == 200
    done = status_of(front, made)
    assert done["status"] == "failed" and "cancel" in done["error"] and done["outputs"] == []


def test_bad_input_fails_at_once_and_costs_nothing(front, worker):
    made = front.post(MODEL, PROMPT).data["id"]
    assert worker.fail(worker.claim(), "invalid_input", "prompt: no").json == {"state": "failed"}
    done = status_of(front, made)
    assert (done["status"], done["error"], done["code"]) == ("failed", "prompt: no", 1401)
    assert front.get("/api/v3/account/usage").data["total_cost"] == 0


def test_a_task_that_kills_its_workers_is_stopped(front, worker):
    made = front.post(MODEL, PROMPT).data["id"]
    attempts = 0
    while (task := worker.claim()) is not None:
        attempts += 1
        assert worker.fail(task, "gpu_sticky").status == 200
    assert attempts == 2 and status_of(front, made)["status"] == "failed"


def test_a_result_without_its_file_is_refused(front, worker):
    front.post(MODEL, PROMPT)
    task = worker.claim()
    file = {"name": "video.mp4", "media_type": "video/mp4", "bytes": 3, "sha256": "0" * 64}
    assert worker.finish(task, [file]).status == 404
    _, file = worker.put(task, b"abc")
    assert worker.finish(task, [{**file, "bytes": 4}]).status == 400
    assert worker.finish(task, [file]).status == 200


@pytest.mark.parametrize("name", ["..", "a%2fb", ".hidden", "x" * 65])
def test_names_of_files_that_are_paths_are_refused(front, worker, name):
    front.post(MODEL, PROMPT)
    task = worker.claim()
    assert worker.put(task, b"abc", name)[0].status in (400, 404)


def test_a_damaged_file_is_refused(front, worker):
    front.post(MODEL, PROMPT)
    task = worker.claim()
    path = (f"/worker/v1/tasks/{task['id']}/files/video.mp4"
            f"?attempt={task['attempt']}&token={task['token']}")
    answer = front.call("PUT", path, b"abc", key=worker.key, headers={"X-Content-SHA256": "0" * 64})
    assert answer.status == 400


def test_progress_that_is_none_never_reaches_a_caller(front, worker):
    made = front.post(MODEL, PROMPT).data["id"]
    task = worker.claim()
    good = {"phase": "denoise", "percent": 5}
    for progress in ("half", [], {}, {"phase": "denoise"}, {"percent": 5}, {**good, "phase": 5},
                     {**good, "percent": "5"}, {**good, "percent": 101}, {**good, "step": {}},
                     {**good, "eta_seconds": "soon"}, {**good, "percent": None}, {**good, "secret": "x"}):
        answer = worker.post(f"/tasks/{made}/heartbeat", {**worker.lease(task), "progress": progress})
        assert answer.status == 400, progress
    assert status_of(front, made)["progress"] == {"phase": "starting", "percent": 0}
    assert worker.heartbeat(task, {**good, "step": None}).status == 200
    assert status_of(front, made)["progress"] == good
    assert front.get(f"/v3/async/task-result?task_id={made}").status == 200


def test_a_result_is_described_as_it_must_be(front, worker):
    front.post(MODEL, PROMPT)
    task = worker.claim()
    _, file = worker.put(task, b"abc")
    for change, field in (({"sha256": "0"}, "sha256"), ({"sha256": "G" * 64}, "sha256"),
                          ({"media_type": ""}, "media_type"),
                          ({"media_type": "video/mp4\r\nX: y"}, "media_type"),
                          ({"name": "../video.mp4"}, "name")):
        answer = worker.finish(task, [{**file, **change}])
        assert answer.status == 400 and field in answer.json["message"], answer.body
    assert worker.finish(task, [file, file]).status == 400
    for warnings in ("none", {}, [1], [{"a": "b"}], 5):
        assert worker.finish(task, [file], warnings=warnings).status == 400, warnings
    assert worker.finish(task, [file], warnings=None).status == 200


def test_numbers_that_do_not_fit_are_refused_and_not_bent(front, worker):
    front.post(MODEL, PROMPT)
    task = worker.claim()
    _, file = worker.put(task, b"abc")
    for number in (2**63, 2**64 - 1, 2**64, -2**63 - 1, 1.5):
        assert worker.finish(task, [file], seed=number).status == 400, number
    for attempt in ("1x", "+1", " 1", "1.0", "", "99999999999999999999"):
        path = f"/worker/v1/tasks/{task['id']}/files/video.mp4"
        query = f"?attempt={urllib.parse.quote(attempt)}&token={task['token']}"
        assert front.call("PUT", path + query, b"abc", key=worker.key).status == 400, attempt
    assert worker.finish(task, [file], seed=7.0).status == 200
    assert status_of(front, task["id"])["seed"] == 7


def test_a_field_that_is_null_is_one_that_was_left_out_to_the_end(front, worker):
    made = front.post(MODEL, {**PROMPT, "enable_base64_output": None, "seed": None}).data["id"]
    assert worker.work(worker.claim()) == 200
    done = status_of(front, made)
    assert done["status"] == "completed" and done["outputs"][0].startswith("http")


def test_a_list_holds_addresses_and_not_the_videos_themselves(front, worker):
    made = front.post(MODEL, {**PROMPT, "enable_base64_output": True}).data["id"]
    task = worker.claim()
    assert worker.work(task) == 200
    assert base64.b64decode(status_of(front, made)["outputs"][0]) == video_of(task)
    listed, = front.post("/api/v3/predictions").data["items"]
    assert front.get(listed["outputs"][0], key=None).body == video_of(task)
