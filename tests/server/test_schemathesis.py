"""Requests that schemathesis makes up out of our own description, right ones and wrong ones.

No answer may be a 5xx, or other than described; what fits the description is taken, what does not is
refused. ZOETROPE_EXAMPLES=N: so many random requests for each operation instead of a few, and for all
endpoints of the catalog; else two of them stand for those that have the same rules.
"""
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).parent / "schemathesis"
EXAMPLES = os.environ.get("ZOETROPE_EXAMPLES")
MANY_ENDPOINTS = "/wavespeed-ai/(?!wan-2.1/t2v-720p$|wan-2.2/t2v-480p-lora$)"
SEED = 20260001


def test_answers_are_as_described_whatever_is_asked(zoetrope, serve):
    server = serve("--workers", 0, "--sync-seconds", 1, "--free-disk-megabytes", 0,
                   "--upload-megabytes", 8)
    made = zoetrope("keys", "create", "--scopes", "tasks:read tasks:write metrics worker",
                    "--data", server.data)
    key = made.stdout.strip()
    environment = {**os.environ, "ZOETROPE_URL": server.url, "ZOETROPE_KEY": key,
                   "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
    program = pathlib.Path(sys.executable).parent / "st"
    done = subprocess.run(
        [program, "--config-file", HERE / "schemathesis.toml", "run", server.url + "/openapi.json",
         "-H", f"Authorization: Bearer {key}", "--no-color", "--suppress-health-check", "all",
         "--seed", str(SEED), "-n", EXAMPLES or "8",
         *([] if EXAMPLES else ["--exclude-path-regex", MANY_ENDPOINTS])],
        capture_output=True, text=True, env=environment, cwd=server.data)
    report = done.stdout + done.stderr
    assert done.returncode == 0, report[-20000:]
    cases = int(re.search(r"(\d+) generated", report)[1])
    print(f"{cases} requests")
    assert cases > 1000, report[-4000:]
    assert server.process.poll() is None
    assert key not in server.log.read_text()
