"""Jiekou's and Novita's asynchronous API v3."""
import pytest

PROMPT = {"prompt": "a red ball bounces on a navy background"}


def test_a_submit_is_answered_with_the_id_alone(front):
    answer = front.post("/v3/async/wan-t2v", PROMPT)
    assert answer.status == 200 and set(answer.json) == {"task_id"}
    result = front.get(f"/v3/async/task-result?task_id={answer.json['task_id']}").json
    assert result["task"]["status"] == "TASK_STATUS_QUEUED"
    assert result["task"]["task_type"] == "WAN_TXT_TO_VIDEO"
    assert result["videos"] == [] and result["images"] == [] and result["audios"] == []
    assert isinstance(result["extra"], dict)


@pytest.mark.parametrize("model, body, size", [
    ("wan-t2v", {**PROMPT, "width": 480, "height": 832, "seed": 9999999999, "steps": 4}, (480, 832)),
    ("wan-2.2-t2v", {"input": PROMPT, "parameters": {"size": "832*480", "duration": 5, "seed": 1}},
     (832, 480)),
])
def test_a_video_is_made(server, ffprobe, model, body, size):
    task = server.post(f"/v3/async/{model}", body).json["task_id"]
    server.await_end(task)
    result = server.get(f"/v3/async/task-result?task_id={task}").json
    assert result["task"]["status"] == "TASK_STATUS_SUCCEED", result
    assert result["task"]["progress_percent"] == 100
    assert result["extra"]["enable_nsfw_detection"] is False
    video, = result["videos"]
    stream = ffprobe(server.get(video["video_url"], key=None).body)
    assert (stream["width"], stream["height"]) == size


@pytest.mark.parametrize("body, field", [
    ({}, "prompt"),
    ({**PROMPT, "width": 832, "height": 832}, "height"),
    ({**PROMPT, "seed": 10000000000}, "seed"),
    ({**PROMPT, "steps": 41}, "steps"),
    ({**PROMPT, "flow_shift": 0.5}, "flow_shift"),
])
def test_mistakes_are_told_in_the_vendors_shape(front, body, field):
    answer = front.post("/v3/async/wan-t2v", body)
    assert answer.status == 400
    assert answer.json["code"] == 400 and answer.json["reason"] == "INVALID_REQUEST_BODY"
    assert field in answer.json["message"]
    assert field in [detail["field"] for detail in answer.json["metadata"]["details"]]


def test_unknown_tasks_and_models_are_404(front):
    task = front.get("/v3/async/task-result?task_id=0123456789abcdef0123456789abcdef")
    assert task.status == 404 and task.json["reason"] == "TASK_NOT_FOUND"
    model = front.post("/v3/async/wan-9", PROMPT)
    assert model.status == 404 and model.json["reason"] == "MODEL_NOT_FOUND"


def test_a_missing_key_is_told_in_the_vendors_shape(front):
    answer = front.post("/v3/async/wan-t2v", PROMPT, key=None)
    assert answer.status == 401 and answer.json["reason"] == "FAILED_TO_AUTH"


def test_what_cannot_be_read_is_told_in_a_shape_that_both_vendors_clients_know(front):
    answer = front.get("/v3/async/task-result?task_id=%00")
    assert answer.status == 400 and answer.json["reason"] == "INVALID_REQUEST_BODY"
    assert answer.json["code"] == 400 and answer.json["message"]
