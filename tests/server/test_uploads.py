"""Files that callers bring: both routes of today and the older one."""
import pytest

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
FORMS = ["/api/v3/media/upload/binary", "/api/v2/media/upload/binary", "/api/v3/upload"]


def form(content, name="file", filename="a.png"):
    boundary = "----frontier"
    head = (f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; '
            f'filename="{filename}"\r\nContent-Type: image/png\r\n\r\n')
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def ticket(front, size=len(PNG), name="a picture.png"):
    return front.post("/api/v3/media/uploads",
                      {"filename": name, "size": size, "content_type": "image/png"}).data


@pytest.mark.parametrize("path", FORMS)
def test_a_form_is_taken_in(front, path):
    body, headers = form(PNG)
    data = front.post(path, body, headers=headers).data
    url = data.get("download_url") or data["url"]
    fetched = front.get(url, key=None)
    assert fetched.body == PNG and fetched.headers["Content-Type"] == "image/png"
    if "type" in data:
        assert (data["type"], data["filename"], data["size"]) == ("image", "a.png", len(PNG))


def test_a_ticket_takes_the_bytes_without_a_key(front):
    made = ticket(front)
    put = front.call("PUT", made["upload"]["url"], PNG, key=None, headers=made["upload"]["headers"])
    assert put.status == 200, put.body
    fetched = front.get(made["download_url"], key=None)
    assert fetched.body == PNG


def test_a_ticket_is_for_one_file_of_its_size(front):
    made = ticket(front)
    url, headers = made["upload"]["url"], made["upload"]["headers"]
    assert front.call("PUT", url, PNG + b"more", key=None, headers=headers).status == 413
    assert front.call("PUT", url, PNG[:-1], key=None, headers=headers).status == 400
    assert front.call("PUT", url, PNG, key=None, headers=headers).status == 200
    assert front.call("PUT", url, PNG, key=None, headers=headers).status == 409


def test_a_changed_ticket_is_none(front):
    made = ticket(front)
    url = made["upload"]["url"]
    changed = url.replace(f"{len(PNG)}", f"{len(PNG) + 1}") if f"{len(PNG)}" in url else url + "0"
    assert front.call("PUT", changed, PNG, key=None).status == 401
    assert front.call("PUT", url.split("?")[0], PNG, key=None).status == 401


def test_a_link_without_its_signature_opens_nothing(front):
    body, headers = form(PNG)
    url = front.post(FORMS[0], body, headers=headers).data["download_url"]
    assert front.get(url.split("?")[0], key=None).status == 401
    assert front.get(url[:-1] + ("0" if url[-1] != "0" else "1"), key=None).status == 401


def test_ranges_are_answered(front):
    body, headers = form(PNG)
    url = front.post(FORMS[0], body, headers=headers).data["download_url"]
    part = front.get(url, key=None, headers={"Range": "bytes=0-7"})
    assert part.status == 206 and part.body == PNG[:8]
    assert part.headers["Content-Range"] == f"bytes 0-7/{len(PNG)}"
    assert front.get(url, key=None, headers={"Range": "bytes=999999-"}).status == 416


@pytest.mark.parametrize("field", ["data", ""])
def test_a_form_without_the_file_is_refused(front, field):
    body, headers = form(PNG, name=field or "x")
    assert front.post(FORMS[0], body, headers=headers).status == 400


def test_what_is_no_form_is_refused(front):
    answer = front.post(FORMS[0], b"not a form", headers={"Content-Type": "text/plain"})
    assert answer.status == 400


def test_names_of_files_are_labels(front):
    body, headers = form(PNG, filename="../../etc/passwd")
    data = front.post(FORMS[0], body, headers=headers).data
    assert "/" not in data["filename"] and ".." not in data["download_url"].split("?")[0]


@pytest.mark.parametrize("change", [
    {"size": None}, {"size": 2**64 - 1}, {"size": -1}, {"size": "5"}, {"filename": None},
    {"content_type": "image/png\r\nX: y"}, {"content_type": "\u0000"}, {"content_type": "bild/é"},
    {"content_type": "x" * 256},
])
def test_a_ticket_for_nothing_sensible_is_refused(front, change):
    wish = {"filename": "a.png", "size": 5, "content_type": "image/png"}
    answer = front.post("/api/v3/media/uploads", {**wish, **change})
    assert answer.status == 400 and next(iter(change)) in answer.json["message"], answer.body
