"""A worker without a model: says what docs/worker-protocol.md says, and hands in bytes of its own."""
import hashlib

WEIGHTS = ["wan2.2-t2v-a14b", "wan2.1-t2v-14b", "wan2.2-ti2v-5b"]


def video_of(task):
    """What this worker makes of a task: other bytes for every attempt."""
    return f"video of {task['id']} attempt {task['attempt']}".encode() * 50


class FakeWorker:
    def __init__(self, server, key, name="fake"):
        self.server = server
        self.key = key
        self.name = name

    def post(self, path, body):
        return self.server.post("/worker/v1" + path, body, key=self.key)

    def claim(self, wait_ms=0):
        answer = self.post("/claim", {"worker": self.name, "weights": WEIGHTS, "wait_ms": wait_ms})
        assert answer.status == 200, answer.body
        return answer.json["task"]

    def lease(self, task):
        return {"attempt": task["attempt"], "token": task["token"]}

    def heartbeat(self, task, progress=None):
        body = self.lease(task)
        if progress:
            body["progress"] = progress
        return self.post(f"/tasks/{task['id']}/heartbeat", body)

    def put(self, task, content, name="video.mp4"):
        digest = hashlib.sha256(content).hexdigest()
        path = (f"/worker/v1/tasks/{task['id']}/files/{name}"
                f"?attempt={task['attempt']}&token={task['token']}")
        answer = self.server.call("PUT", path, content, key=self.key,
                                  headers={"X-Content-SHA256": digest})
        return answer, {"name": name, "media_type": "video/mp4", "bytes": len(content),
                        "sha256": digest}

    def finish(self, task, files, **more):
        return self.post(f"/tasks/{task['id']}/finish",
                         {**self.lease(task), "files": files, "seed": 1, "warnings": [],
                          "inference_ms": 10, **more})

    def fail(self, task, kind, message="it failed"):
        return self.post(f"/tasks/{task['id']}/fail",
                         {**self.lease(task), "class": kind, "message": message, "detail": ""})

    def release(self, task):
        return self.post(f"/tasks/{task['id']}/release", self.lease(task))

    def work(self, task):
        """Runs a task to its end; the status of the last call."""
        answer, file = self.put(task, video_of(task))
        if answer.status != 200:
            return answer.status
        return self.finish(task, [file]).status
