"""The vendors' own clients, unpatched: only the base URL is changed."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

MODEL = "wavespeed-ai/wan-2.2/t2v-480p-ultra-fast"
INPUT = {"prompt": "a red ball bounces on a navy background", "seed": 3}
MODULES = pathlib.Path(os.environ.get("ZOETROPE_CLIENTS",
                                      pathlib.Path(__file__).parents[2] / ".venv/clients"))


def node(script, *arguments, environment=None):
    """Runs a script that prints one JSON value."""
    program = shutil.which("node")
    if program is None or not (MODULES / "node_modules").is_dir():
        pytest.skip("node or the vendors' npm packages are not installed")
    done = subprocess.run([program, "--input-type=commonjs", "-e", script, *arguments],
                          capture_output=True, text=True, timeout=240, cwd=MODULES,
                          env={**os.environ, **(environment or {})})
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


def check_video(server, ffprobe, url):
    stream = ffprobe(server.get(url, key=None).body)
    assert (stream["codec_name"], stream["width"], stream["height"]) == ("h264", 832, 480)


def test_wavespeed_for_python(server, ffprobe, tmp_path):
    wavespeed = pytest.importorskip("wavespeed", reason="the package wavespeed is not installed")
    client = wavespeed.Client(api_key=server.key, base_url=server.url)
    output = client.run(MODEL, INPUT)
    check_video(server, ffprobe, output["outputs"][0])
    picture = tmp_path / "a picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    url = client.upload(str(picture))
    assert server.get(url, key=None).body == picture.read_bytes()


def test_wavespeed_for_python_in_sync_mode(server, ffprobe):
    wavespeed = pytest.importorskip("wavespeed", reason="the package wavespeed is not installed")
    client = wavespeed.Client(api_key=server.key, base_url=server.url)
    output = client.run(MODEL, INPUT, enable_sync_mode=True)
    check_video(server, ffprobe, output["outputs"][0])


def test_wavespeed_for_javascript(server, ffprobe):
    output = node("""
        const { Client } = require('wavespeed');
        const [url, key, model, input] = process.argv.slice(1);
        new Client(key, { baseUrl: url }).run(model, JSON.parse(input))
          .then(output => console.log(JSON.stringify(output)))
          .catch(error => { console.error(error); process.exit(1); });
        """, server.url, server.key, MODEL, json.dumps(INPUT))
    check_video(server, ffprobe, output["outputs"][0])


def test_novita_for_javascript(server, ffprobe):
    output = node("""
        const { NovitaSDK } = require('novita-sdk');
        const [url, key, prompt] = process.argv.slice(1);
        const sdk = new NovitaSDK(key);
        sdk.setBaseUrl(url);
        async function main() {
          const { task_id } = await sdk.wanT2v({ prompt, width: 832, height: 480, seed: 3 });
          for (;;) {
            const progress = await sdk.progress({ task_id });
            if (progress.task.status === 'TASK_STATUS_SUCCEED') return progress;
            if (progress.task.status === 'TASK_STATUS_FAILED') throw progress;
            await new Promise(resolve => setTimeout(resolve, 100));
          }
        }
        main().then(output => console.log(JSON.stringify(output)))
          .catch(error => { console.error(error); process.exit(1); });
        """, server.url, server.key, INPUT["prompt"])
    assert output["extra"]["seed"] == "3"
    assert output["videos"][0]["video_type"] == "mp4"
    check_video(server, ffprobe, output["videos"][0]["video_url"])


def wavespeed_cli(server, home, *arguments):
    program = shutil.which("node")
    script = MODULES / "node_modules/.bin/wavespeed"
    if program is None or not script.exists():
        pytest.skip("node or the package @wavespeed/cli is not installed")
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"),
                   "WAVESPEED_API_KEY": server.key, "WAVESPEED_BASE_URL": server.url}
    done = subprocess.run([script, *arguments], capture_output=True, text=True, timeout=240,
                          env=environment, cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wavespeed_on_the_command_line(server, tmp_path):
    wavespeed_cli(server, tmp_path, "config", "--base-url", server.url)
    assert "wan-2.2/t2v-480p" in wavespeed_cli(server, tmp_path, "models")
    assert wavespeed_cli(server, tmp_path, "balance")
