"""Running servers for the black-box tests."""
import json
import pathlib
import shutil
import subprocess

import pytest

from server_process import Server

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def serve(zoetrope, tmp_path_factory):
    """Starts servers and stops them at the end."""
    servers = []

    def start(*options, program=None, data=None, **kwargs):
        data = data or tmp_path_factory.mktemp("server")
        servers.append(Server(program or zoetrope.path, data, *options, **kwargs))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def front(serve):
    """A server without workers: what is submitted waits."""
    return serve("--workers", 0)


@pytest.fixture(scope="session")
def server(serve, with_engine):
    """A server with one worker and the demo models."""
    if not (ROOT / "weights/tiny/wan2.2-t2v-tiny").is_dir():
        pytest.skip("weights/tiny holds no model")
    return serve("--allow-address", "127.0.0.0/8")


@pytest.fixture(scope="session")
def ffprobe():
    """Facts about a video's bytes."""
    program = shutil.which("ffprobe")
    if program is None:
        pytest.skip("ffprobe is not installed")

    def probe(content):
        done = subprocess.run(
            [program, "-v", "error", "-show_entries", "stream=codec_name,width,height,nb_frames",
             "-of", "json", "-"], input=content, capture_output=True, check=True)
        return json.loads(done.stdout)["streams"][0]

    return probe
