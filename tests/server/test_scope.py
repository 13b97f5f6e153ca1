"""Every route, walked by callers who lack something; and what answers and logs give away.

The routes are those of the description, so that a new one is walked as well.
"""
import http.client
import itertools
import json
import re
import socket
import urllib.parse

import pytest

from fake_worker import FakeWorker
from test_uploads import PNG, form

MODEL = "/api/v3/wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
SCOPES = ["tasks:read", "tasks:write", "metrics", "worker"]
NO_ID = "0123456789abcdef0123456789abcdef"
OPEN = {"/", "/livez", "/readyz", "/healthz", "/version", "/openapi.json"}
LINKS = {"/files/{task}/{attempt}/{name}", "/uploads/{id}"}
METHODS = ["GET", "POST", "PUT", "DELETE"]

# What nobody but the caller may see, each in a place where a caller can put it.
CANARIES = {word: f"canary-{word}-7f3a9" for word in
            ("prompt", "negative", "file", "hook", "idempotency", "query", "secret", "field", "value")}

# What an answer never says of the inside: paths, errno, SQL, C++ and its libraries, addresses.
INSIDE = re.compile(
    rb"/tmp/|/home/|/usr/|/work/|/root/|/proc/|\.cpp|\.sock|zoetrope\.db|signing-keys"
    rb"|No such file or|Permission denied|Broken pipe|Bad file|Input/output error|No space left|errno"
    rb"|SELECT |INSERT |UPDATE task|sqlite|soci|SOCI|constraint|postgres|libpq"
    rb"|std::|boost|nlohmann|json\.exception|basic_string|terminate|what\(\)|0x[0-9a-f]{6}")


class Walker:
    """Calls a server and keeps all that it answers; a new source address for each set of mistakes."""

    addresses = itertools.count(2)

    def __init__(self, server):
        self.server = server
        self.keys = {}
        self.move_on()

    def move_on(self):
        # So many wrong keys come from no address that it is shut out.
        self.address = f"127.0.7.{next(self.addresses)}"

    def call(self, method, path, body=None, key=None, headers=None):
        client = http.client.HTTPConnection(self.server.address, timeout=30,
                                            source_address=(self.address, 0))
        fields = dict(headers or {})
        if key is not None:
            fields["Authorization"] = f"Bearer {key}"
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        client.request(method, path, content, fields)
        reply = client.getresponse()
        answer = reply.read()
        client.close()
        assert reply.status < 500 or reply.status in (501, 503), (method, path, reply.status, answer)
        if reply.status >= 400:
            told = answer + repr(reply.headers.items()).encode()
            found = [word for word in INSIDE.findall(told) if word not in (content or b"")]
            assert not found, (method, path, answer, found)
            for name, key in self.keys.items():
                assert key.split("_")[2].encode() not in answer, (name, answer)
            assert CANARIES["secret"].encode() not in answer
            if answer and reply.status != 503:
                problem = json.loads(answer)
                assert problem["code"] == reply.status and problem["message"], answer
        return reply.status, answer, reply.headers

    def status(self, *arguments, **kwargs):
        return self.call(*arguments, **kwargs)[0]


def socket_call(server, method, path, content):
    """As `zoetrope keys` calls: through the socket in the data folder, without a key."""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(10)
        wire.connect(str(server.data / "server.sock"))
        wire.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                     f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    return int(answer[9:12]), answer


@pytest.fixture(scope="module")
def walker(serve):
    # What is logged by default is logged at this level too.
    walker = Walker(serve("--workers", 0, "--log-level", "debug"))

    def make(name, scopes, tenant="default"):
        wish = json.dumps({"scopes": " ".join(scopes), "tenant": tenant}).encode()
        status, answer = socket_call(walker.server, "POST", "/admin/v1/keys", wish)
        assert status == 200, answer
        walker.keys[name] = json.loads(answer.split(b"\r\n\r\n")[1])["data"]["key"]

    make("owner", SCOPES)
    make("stranger", SCOPES, "stranger")
    for scope in SCOPES:
        make(f"without {scope}", [word for word in SCOPES if word != scope])
    make("revoked", SCOPES)
    wish = json.dumps({"id": walker.keys["revoked"].split("_")[1]}).encode()
    assert socket_call(walker.server, "POST", "/admin/v1/keys/revoke", wish)[0] == 200
    return walker


def operations(server):
    """Method, pattern, path and body of all that is described, with ids that are well formed."""
    for pattern, described in server.contract.document["paths"].items():
        path = re.sub(r"\{attempt\}", "1", pattern)
        path = re.sub(r"\{name\}", "video.mp4", path)
        path = path.replace("/uploads/{id}", "/uploads/" + NO_ID + "0123456789abcdef")
        path = re.sub(r"\{\w+\}", NO_ID, path)
        if pattern == "/v3/async/task-result":
            path += f"?task_id={NO_ID}"
        if pattern.endswith("/files/{name}"):
            path += "?attempt=1&token=abc"
        for method, operation in described.items():
            yield method.upper(), pattern, path, {} if "requestBody" in operation else None


def needed_scope(pattern, method):
    if pattern.startswith("/worker/"):
        return "worker"
    if pattern == "/metrics":
        return "metrics"
    reads = {"/api/v3/predictions", "/api/v3/model/pricing", "/api/v3/model/price"}
    if pattern == "/api/v3/webhook/secret":
        return "tasks:write"
    return "tasks:read" if method == "GET" or pattern in reads else "tasks:write"


def test_without_a_key_only_open_routes_answer(walker):
    walker.move_on()
    for method, pattern, path, body in operations(walker.server):
        status = walker.status(method, path, body)
        assert status in ((200, 503) if pattern in OPEN else (401,)), (method, pattern, status)


def test_a_key_that_is_none_opens_nothing(walker):
    walker.move_on()
    owner = walker.keys["owner"]
    _, identity, secret = owner.split("_")
    wrong = [
        "", " ", "zt", "zt_", "zt__", "zt_a_b", CANARIES["secret"], f"zt_{CANARIES['secret']}_x",
        f"zt_{identity}_{CANARIES['secret']}", f"zt_{identity}_{secret[:-1]}", f"{owner}x",
        f"zt_{identity}_{secret[::-1]}", f"zt_{identity[::-1]}_{secret}", owner.upper(),
        f"zt_{identity}_", f"ZT_{identity}_{secret}", f"zt_{identity}_{secret}_{secret}",
        f"zt_%_{secret}", f"zt_{identity}' OR '1'='1_{secret}", "Basic dXNlcjpwYXNz", "é" * 20,
        walker.keys["revoked"],
    ]
    for key in wrong:
        assert walker.status("GET", "/api/v3/balance", key=key.encode().decode("latin-1")) == 401, key
    # Nowhere but in the header.
    for path in (f"/api/v3/balance?key={owner}", f"/api/v3/balance?Authorization=Bearer%20{owner}"):
        assert walker.status("GET", path) == 401
    for field in ("Cookie", "X-Api-Key", "Proxy-Authorization"):
        assert walker.status("GET", "/api/v3/balance", headers={field: f"Bearer {owner}"}) == 401


def test_a_key_that_lacks_the_scope_is_told_so(walker):
    for method, pattern, path, body in operations(walker.server):
        if pattern in OPEN | LINKS:
            continue
        scope = needed_scope(pattern, method)
        key = walker.keys[f"without {scope}"]
        status, answer, _ = walker.call(method, path, body, key=key)
        assert status == 403 and scope in json.loads(answer)["message"], (method, pattern, answer)
        assert walker.status(method, path, body, key=walker.keys["owner"]) not in (401, 403), pattern


def test_what_belongs_to_another_tenant_is_not_there(walker):
    server = walker.server
    owner, stranger = walker.keys["owner"], walker.keys["stranger"]

    def made(seed):
        answer = walker.call("POST", MODEL, {"prompt": "a red ball", "seed": seed}, key=owner)[1]
        return json.loads(answer)["data"]["id"]

    mine = made(1)
    for method, pattern, path, _ in operations(server):
        if "/predictions/{id}" in pattern or pattern == "/v3/async/task-result":
            path = path.replace(NO_ID, mine)
            assert walker.status(method, path, {} if method == "POST" else None, key=stranger) == 404, pattern
    _, answer, _ = walker.call("POST", "/api/v3/predictions/delete", {"ids": [mine]}, key=stranger)
    assert json.loads(answer)["data"] == {"deleted_count": 0}
    _, answer, _ = walker.call("POST", "/api/v3/predictions", {}, key=stranger)
    assert json.loads(answer)["data"]["items"] == [] and mine.encode() not in answer
    for path in ("/api/v3/account/usage", "/api/v3/balance"):
        assert mine.encode() not in walker.call("GET", path, key=stranger)[1]
    secrets = [walker.call("GET", "/api/v3/webhook/secret", key=key)[1] for key in (owner, stranger)]
    assert secrets[0] != secrets[1]
    # The same Idempotency-Key and the same body are another task for another tenant.
    ids = {json.loads(walker.call("POST", MODEL, {"prompt": "a red ball", "seed": 9}, key=key,
                                  headers={"Idempotency-Key": CANARIES["idempotency"]})[1])["data"]["id"]
           for key in (owner, stranger)}
    assert len(ids) == 2
    assert walker.status("GET", f"/api/v3/predictions/{mine}", key=owner) == 200


def test_a_lease_of_another_worker_is_none(walker):
    worker = FakeWorker(walker.server, walker.keys["owner"])
    task = worker.claim()
    for lease in ({"attempt": 1, "token": "0" * 32}, {"attempt": 2, "token": task["token"]},
                  {"attempt": 1, "token": task["token"].upper() + "0"}):
        for call, more in (("heartbeat", {}), ("release", {}), ("fail", {"class": "internal"}),
                           ("finish", {"files": [{"name": "a", "media_type": "b", "bytes": 0,
                                                  "sha256": "0" * 64}]})):
            status = walker.status("POST", f"/worker/v1/tasks/{task['id']}/{call}", {**lease, **more},
                                   key=walker.keys["owner"])
            assert status in (404, 409), (call, lease, status)
        query = urllib.parse.urlencode(lease)
        assert walker.status("PUT", f"/worker/v1/tasks/{task['id']}/files/video.mp4?{query}", b"x",
                             key=walker.keys["owner"]) == 409
    assert worker.release(task).status == 200


def test_a_signed_address_opens_what_it_was_signed_for_and_nothing_else(walker):
    body, headers = form(PNG, filename=CANARIES["file"])
    key = walker.keys["owner"]
    urls = [json.loads(walker.call("POST", "/api/v3/upload", body, key=key, headers=headers)[1])["data"]["url"]
            .removeprefix(walker.server.url) for _ in range(2)]
    path, query = urls[0].split("?")
    assert walker.status("GET", urls[0]) == 200
    fields = urllib.parse.parse_qsl(query)
    changed = [(path, query.replace("expires=1", "expires=2")), (path, query.replace("inline", "attachment")),
               (path, query[:-1]), (path, query + "0"), (path, ""), (path, query.upper()),
               (path, query + "&expires=9999999999"), (path, "expires=9999999999&" + query),
               (path, "&".join(f"{name}={value}" for name, value in fields[:-1])),
               (urls[1].split("?")[0], query), (path.replace("/uploads/", "/uploads//"), query),
               (path[:-1] + ("0" if path[-1] != "0" else "1"), query)]
    for other_path, other_query in changed:
        assert walker.status("GET", f"{other_path}?{other_query}") in (401, 404), (other_path, other_query)
    for method in ("PUT", "POST", "DELETE"):
        assert walker.status(method, urls[0], b"" if method == "PUT" else None) in (401, 405)
    # A key, even the owner's, is no signature.
    assert walker.status("GET", path, key=key) == 401


def test_other_methods_are_refused_with_those_there_are(walker):
    described = {}
    for method, pattern, path, _ in operations(walker.server):
        described.setdefault((pattern, path), set()).add(method)
    for (pattern, path), methods in described.items():
        for method in METHODS:
            if method in methods:
                continue
            status, _, headers = walker.call(method, path, key=walker.keys["owner"])
            assert status == 405, (method, pattern, status)
            assert methods <= set(headers["Allow"].split(", ")), (method, pattern, headers["Allow"])
            assert method not in headers["Allow"].split(", ")
        for method in ("TRACE", "PATCH", "BREW"):
            assert walker.status(method, path, key=walker.keys["owner"]) == 501


def test_what_operators_do_is_not_there_for_others(walker):
    for key in (None, *walker.keys.values()):
        walker.move_on()
        for method, path in (("POST", "/admin/v1/keys"), ("GET", "/admin/v1/keys"),
                             ("POST", "/admin/v1/keys/revoke")):
            body = {"scopes": "worker"} if method == "POST" else None
            assert walker.status(method, path, body, key=key) == 404, (method, path)


BAD_BODIES = [
    b"", b" ", b"{", b"}", b"[]", b"null", b"5", b'"a"', b"{]", b'{"a":}', b'{"a":1,}', b"{'a':1}",
    b'{"a":1}{"a":1}', b'{"a":1,"a":2}', b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b'{"a":"\xff"}',
    b'{"a":"\\ud800"}', b'{"a":"\\u0000"}', b'{"a":"\x01"}', b'{"a":1e999}', b'{"a":-}', b'{"a":01}',
    b'{"a":NaN}', b'{"a":Infinity}', b'{"a":' + b"9" * 400 + b"}", b"[" * 100_000, b'{"a":' * 50_000,
    b'{"' + b"k" * 100_000 + b'":1}', b'{"__proto__":{}}', b'{"":""}', b"--b\r\n", b"a=b&c=d",
    b'{"prompt":{"$ne":null}}', b'{"prompt":["a"]}', b'{"ids":[{}]}', b'{"ids":"*"}', b'{"page":"1; DROP"}',
    b'{"created_after":"\'; SELECT 1"}', b'{"created_after":"9999-99-99T99:99:99Z"}', b'{"model_id":{}}',
    b'{"worker":"a","weights":["' + b"a" * 100_000 + b'"]}', b'{"filename":"a","size":1e400}',
    b'{"attempt":-1,"token":null}', b'{"attempt":1,"token":"","files":[[]]}', b'{"seed":-9223372036854775809}',
]


def test_bodies_that_are_none_are_refused_without_a_word_of_the_inside(walker):
    for method, pattern, path, body in operations(walker.server):
        if body is None:
            continue
        for bad in BAD_BODIES:
            for kind in ("application/json", "multipart/form-data; boundary=b", "text/plain"):
                if kind != "application/json" and "upload" not in pattern and bad != b"{":
                    continue
                status = walker.status(method, path, bad, key=walker.keys["owner"],
                                       headers={"Content-Type": kind})
                assert 200 <= status < 500, (pattern, bad[:60], status)


def test_operators_are_told_what_is_wrong_too(walker):
    wishes = [json.dumps(wish).encode() for wish in (
        {"tenant": 5}, {"tenant": "x" * 65}, {"tenant": "\0"}, {"name": "\0"}, {"name": []},
        {"scopes": "all"}, {"scopes": "tasks:read;"}, {"expires_days": 0}, {"expires_days": 1e9},
        {"queued": -1}, {"running": "1"}, {"requests_per_minute": 0}, {"requests_per_minute": 2**64},
        {"spending_cap_mills": 2**63}, {"id": 5}, {"id": "\0"}, {"no": "such"})]
    for path in ("/admin/v1/keys", "/admin/v1/keys/revoke"):
        for content in BAD_BODIES + wishes:
            status, answer = socket_call(walker.server, "POST", path, content)
            assert status == 400 or status in (200, 404) and content in (
                b'{"a":1}', b"\xef\xbb\xbf{}"), (path, content[:80], answer)
            assert not INSIDE.search(answer), answer
    assert socket_call(walker.server, "GET", "/admin/v1/keys", b"")[0] == 200


def test_what_callers_say_is_in_no_log(walker):
    """Last: the log of all the tests above, and of requests with something in every field."""
    key = walker.keys["owner"]
    secrets = []
    body = {"prompt": CANARIES["prompt"], "negative_prompt": CANARIES["negative"], "seed": 77}
    headers = {"Idempotency-Key": CANARIES["idempotency"] + "-again", "X-Request-Id": "fine",
               "User-Agent": CANARIES["field"], "X-Client-Name": CANARIES["value"]}
    hook = urllib.parse.quote(f"http://127.0.0.1:9/{CANARIES['hook']}?token={CANARIES['secret']}")
    status, answer, _ = walker.call("POST", f"{MODEL}?webhook={hook}&x={CANARIES['query']}", body, key=key,
                                    headers=headers)
    assert status == 200
    made = json.loads(answer)["data"]["id"]
    for wrong in ({**body, "size": CANARIES["value"]}, {**body, CANARIES["field"]: 1}):
        assert walker.status("POST", MODEL, wrong, key=key) == 400
    assert walker.status("GET", f"/{CANARIES['query']}?{CANARIES['value']}", key=key) == 404
    worker = FakeWorker(walker.server, key)
    while (task := worker.claim())["id"] != made:
        worker.fail(task, "internal", "it failed")
    secrets.append(task["token"])
    assert worker.work(task) == 200
    url = json.loads(walker.call("GET", f"/api/v3/predictions/{made}", key=key)[1])["data"]["outputs"][0]
    assert walker.status("GET", url.removeprefix(walker.server.url)) == 200
    secrets.append(url.rsplit("signature=")[1])
    form_body, form_headers = form(PNG, filename=CANARIES["file"] + ".png")
    status, answer, _ = walker.call("POST", "/api/v3/upload", form_body, key=key, headers=form_headers)
    assert status == 200
    secrets.append(json.loads(answer)["data"]["url"].rsplit("signature=")[1])
    answer = walker.call("GET", "/api/v3/webhook/secret", key=key)[1]
    secrets.append(json.loads(answer)["data"]["secret"].removeprefix("whsec_"))
    secrets += [other.split("_")[2] for other in walker.keys.values()]
    assert walker.server.stop() == 0

    log = walker.server.log.read_text()
    assert log.count("\n") > 10
    for secret in secrets + list(CANARIES.values()):
        assert secret not in log, next(line for line in log.splitlines() if secret in line)
