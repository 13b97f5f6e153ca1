"""A small hub of the shapes of Hugging Face's, whose large files come from another host."""
import hashlib
import http.server
import json
import re
import ssl
import subprocess
import threading
import time

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def git_blob(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def make_certificate(folder):
    """A certificate for the addresses the hub listens on; its file and that of its key."""
    certificate, key = folder / "hub.pem", folder / "hub.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=hub",
         "-addext", "subjectAltName=IP:127.0.0.1,IP:127.0.0.2", "-keyout", key, "-out", certificate],
        check=True, capture_output=True)
    return certificate, key


class Broken(Exception):
    """Ends the connection without another byte."""


class Site:
    """One listening address; `answer(handler)` serves every request."""

    def __init__(self, address, answer, certificate=None):
        site = self
        self.asked = []  # (method, path, headers by lower-case name)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                headers = {name.lower(): value for name, value in self.headers.items()}
                site.asked.append((self.command, self.path, headers))
                try:
                    answer(self)
                except Broken:
                    self.close_connection = True
                except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                    self.close_connection = True

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        self.server.daemon_threads = True
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://{address}:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def reply(handler, status, body=b"", **headers):
    handler.send_response(status)
    headers.setdefault("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body)


class Hub:
    """Repositories as {name: {path: content}}."""

    def __init__(self, certificate=None):
        self.repositories = {}
        self.token = None
        self.spoil = None        # bytes -> bytes, on what the CDN sends
        self.break_after = None  # of a content's bytes, once per request
        self.pause = 0           # seconds before each piece of a content
        self.busy = []           # Retry-After seconds, one for each 429 to come
        self.cdn = Site("127.0.0.2", self.send_content, certificate)
        self.site = Site("127.0.0.1", self.answer, certificate)
        self.url = self.site.url

    def close(self):
        self.cdn.close()
        self.site.close()

    def contents_sent(self):
        return [path for method, path, _ in self.cdn.asked if method == "GET"]

    def answer(self, handler):
        if self.busy:
            return reply(handler, 429, Retry_After=str(self.busy.pop(0)))
        if self.token and handler.headers.get("Authorization") != f"Bearer {self.token}":
            return reply(handler, 401, X_Error_Code="RepoNotFound")
        path = handler.path.split("?")[0]
        api = re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(\w+)", path)
        if api and api[1] in self.repositories and api[2] in ("main", COMMIT):
            return reply(handler, 200, json.dumps(self.listing(api[1])).encode(),
                         Content_Type="application/json")
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/(\w+)/(.+)", path)
        content = file and self.repositories.get(file[1], {}).get(file[3])
        if content is None:
            return reply(handler, 404, X_Error_Code="EntryNotFound" if file else "RepoNotFound")
        if not file[3].endswith((".safetensors", ".pth")):
            return reply(handler, 200, content, ETag=f'"{git_blob(content)}"', X_Repo_Commit=COMMIT)
        return reply(handler, 302, Location=f"{self.cdn.url}/{file[1]}/{file[3]}?signature=x",
                     X_Repo_Commit=COMMIT, X_Linked_Size=str(len(content)),
                     X_Linked_ETag=f'"{sha256(content)}"')

    def listing(self, repository):
        siblings = []
        for path, content in self.repositories[repository].items():
            sibling = {"rfilename": path, "size": len(content), "blobId": git_blob(content)}
            if path.endswith((".safetensors", ".pth")):
                sibling["lfs"] = {"sha256": sha256(content), "size": len(content), "pointerSize": 134}
            siblings.append(sibling)
        return {"id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings,
                "private": False, "tags": [], "downloads": 0, "likes": 0}

    def send_content(self, handler):
        if "Authorization" in handler.headers:  # as stores of signed URLs do
            return reply(handler, 400)
        owner, name, path = handler.path.split("?")[0].lstrip("/").split("/", 2)
        content = self.repositories[f"{owner}/{name}"][path]
        etag = f'"cdn-{sha256(content)[:16]}"'
        if self.spoil:
            content = self.spoil(content)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", handler.headers.get("Range", ""))
        if handler.headers.get("If-Range", etag) != etag:
            asked = None
        begin, end = (int(asked[1]), int(asked[2] or len(content) - 1) + 1) if asked else (0, len(content))
        part = content[begin:end]
        handler.send_response(206 if asked else 200)
        handler.send_header("Content-Length", str(len(part)))
        handler.send_header("ETag", etag)
        handler.send_header("Accept-Ranges", "bytes")
        if asked:
            handler.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(content)}")
        handler.end_headers()
        if handler.command == "HEAD":
            return None
        for at in range(0, len(part), 65536):
            if self.break_after is not None and at >= self.break_after:
                raise Broken
            if self.pause:
                time.sleep(self.pause)
            handler.wfile.write(part[at:at + 65536])
        return None
