"""What different readers of HTTP might take for one request or for two."""
import pathlib
import re
import shutil
import socket
import subprocess
import time

import pytest

import framing

PATIENCE = 5  # seconds for the first byte of an answer
QUIET = 0.3  # seconds without another one, where the connection is not closed


def exchange(address, content, byte_by_byte=False):
    """All that comes back. The connection stays open: who closes one half seems to have left."""
    host, port = address.rsplit(":", 1)
    answer = b""
    with socket.create_connection((host, int(port)), PATIENCE) as wire:
        try:
            if byte_by_byte:
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for i in range(len(content)):
                    wire.sendall(content[i:i + 1])
            else:
                wire.sendall(content)
            while piece := wire.recv(65536):
                answer += piece
                wire.settimeout(QUIET)
        except TimeoutError:
            assert answer, "neither an answer nor the end of the connection"
        except ConnectionError:
            pass  # refused, and closed before all was sent
    return answer


def statuses(answer):
    found = [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]
    return [status for status in found if status != 100]


@pytest.fixture(scope="module")
def guarded(serve, zoetrope):
    """A server, and a key that is used for nothing else."""
    server = serve("--workers", 0)
    made = zoetrope("keys", "create", "--tenant", "smuggler", "--data", server.data)
    server.smuggler = made.stdout.strip()
    return server


def tasks_made(server):
    return server.post("/api/v3/predictions", {"page_size": 1}, key=server.smuggler).data["total"]


def test_two_requests_in_order_are_two(guarded):
    # Else what follows would show nothing.
    before = tasks_made(guarded)
    answer = exchange(guarded.address, framing.get() + framing.smuggled(guarded.smuggler))
    assert statuses(answer) == [200, 200] and tasks_made(guarded) == before + 1


@pytest.mark.parametrize("byte_by_byte", [False, True])
def test_one_request_gets_one_answer_and_nothing_is_smuggled_behind_it(guarded, byte_by_byte):
    corpus = framing.corpus(guarded.smuggler)
    assert len(corpus) >= 80
    before = tasks_made(guarded)
    for name, content in corpus:
        if byte_by_byte and len(content) > 2000:
            continue
        answer = exchange(guarded.address, content + framing.smuggled(guarded.smuggler),
                          byte_by_byte)
        got = statuses(answer)
        assert len(got) <= 1, (name, answer)
        assert all(status < 500 or status in (501, 505) for status in got), (name, answer)
        assert tasks_made(guarded) == before, name
    assert guarded.get("/livez", key=None).status == 200


# ── behind a proxy ──

def free_port():
    with socket.socket() as wire:
        wire.bind(("127.0.0.1", 0))
        return wire.getsockname()[1]


NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 256; }}
http {{
  log_format plain '$request_method $uri $upstream_status';
  access_log {folder}/log plain;
  client_body_temp_path {folder}/1; proxy_temp_path {folder}/2; fastcgi_temp_path {folder}/3;
  uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
  upstream zoetrope {{ server {server}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://zoetrope; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_request_buffering off; proxy_read_timeout 5s;
    }}
  }}
}}
"""

HAPROXY = """
global
  log stdout format raw local0
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
  http-reuse always
  log global
  log-format "%HM %HP %ST %b"
frontend front
  bind 127.0.0.1:{port}
  default_backend zoetrope
backend zoetrope
  server one {server}
"""


class Proxy:
    """nginx or haproxy before a server, with a line for each request that it passed on."""

    def __init__(self, name, folder, server):
        self.name = name
        self.log = folder / "log"
        self.address = f"127.0.0.1:{free_port()}"
        template = {"nginx": NGINX, "haproxy": HAPROXY}[name]
        config = folder / "config"
        config.write_text(template.format(folder=folder, server=server.address,
                                          port=self.address.rsplit(":", 1)[1]))
        program = shutil.which(name) or shutil.which(name, path="/usr/sbin")
        if program is None:
            pytest.skip(f"{name} is not installed")
        command = {"nginx": [program, "-c", config, "-p", folder],
                   "haproxy": [program, "-db", "-f", config]}[name]
        output = open(folder / "error", "w") if name == "nginx" else open(self.log, "w")
        self.process = subprocess.Popen(command, stdout=output, stderr=output)
        for _ in range(100):
            try:
                socket.create_connection(self.address.rsplit(":", 1), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise AssertionError(f"{name} does not start: {pathlib.Path(output.name).read_text()}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def passed_on(self):
        """Requests to submit that the proxy saw and the server answered with 200."""
        lines = self.log.read_text(errors="replace").splitlines()
        return sum(line.startswith(f"POST {framing.PATH} 200") for line in lines)


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
def test_a_proxy_and_the_server_count_the_same_requests(guarded, tmp_path, name):
    proxy = Proxy(name, tmp_path, guarded)
    try:
        before = tasks_made(guarded)
        control = exchange(proxy.address, framing.get() + framing.smuggled(guarded.smuggler))
        assert statuses(control) == [200, 200], control
        for case, content in framing.corpus(guarded.smuggler):
            answer = exchange(proxy.address, content + framing.smuggled(guarded.smuggler))
            made = tasks_made(guarded) - before
            for _ in range(40):  # the line of a log comes a little later
                if proxy.passed_on() == made:
                    break
                time.sleep(0.05)
            assert proxy.passed_on() == made, (case, answer)
            assert len(statuses(answer)) <= 2, (case, answer)
    finally:
        proxy.stop()
