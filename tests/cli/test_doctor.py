"""zoetrope doctor: every subject is looked at, and problems decide the exit code."""
import json
import shutil
import subprocess

import pytest

SUBJECTS = ["processor", "memory", "disk", "engine", "gpu", "media", "models"]


def findings_of(done):
    report = json.loads(done.stdout)
    return report["ok"], {finding["subject"]: finding for finding in report["findings"]}


def test_it_looks_at_everything(zoetrope):
    ok, findings = findings_of(zoetrope("doctor", "--json"))
    assert set(SUBJECTS) <= set(findings)
    problems = [f for f in findings.values() if f["verdict"] == "problem"]
    assert ok == (problems == [])
    assert all(finding["advice"] for finding in problems)


def test_the_engine_says_which_torch_it_has(with_engine):
    _, findings = findings_of(with_engine("doctor", "--json"))
    assert findings["engine"]["verdict"] == "ok"
    assert "torch 2." in findings["engine"]["found"]


def test_a_missing_engine_is_a_problem_with_advice(zoetrope, tmp_path):
    front = type(zoetrope)(shutil.copy(zoetrope.path, tmp_path))
    done = front("doctor", "--json")
    ok, findings = findings_of(done)
    assert done.returncode == 1 and not ok
    assert findings["engine"]["verdict"] == "problem"
    assert "make build" in findings["engine"]["advice"]


def test_a_damaged_model_is_told_by_name(zoetrope, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/diffusion_pytorch_model.safetensors").write_bytes(b"not a model")
    _, findings = findings_of(zoetrope("doctor", "--json",
                                       environment={"ZOETROPE_MODELS": str(tmp_path)}))
    assert findings["models"]["verdict"] != "ok"
    assert str(tmp_path / "broken") in findings["models"]["found"]


def test_a_model_without_its_tokenizer_is_told_by_name(zoetrope, tiny, tmp_path):
    shutil.copytree(tiny.folder, tmp_path / "mute", ignore=shutil.ignore_patterns("google"))
    _, findings = findings_of(zoetrope("doctor", "--json",
                                       environment={"ZOETROPE_MODELS": str(tmp_path)}))
    assert findings["models"]["verdict"] != "ok"
    assert f"{tmp_path / 'mute'}: has not the tokenizer" in findings["models"]["found"]


def test_a_full_disk_is_a_problem(zoetrope, tmp_path):
    script = 'mount -t tmpfs -o size=64k none "$0" && cd "$0" && exec "$1" doctor --json'
    done = subprocess.run(["unshare", "--map-root-user", "--mount", "sh", "-c", script,
                           tmp_path, zoetrope.path], capture_output=True, text=True)
    if not done.stdout:
        pytest.skip("no tmpfs can be mounted here")
    _, findings = findings_of(done)
    assert findings["disk"]["verdict"] == "problem"


def test_memory_too_small_for_the_demo_model_is_a_problem_with_the_number(demo, tmp_path):
    small_machine = tmp_path / "meminfo"
    small_machine.write_text("MemTotal: 200000 kB\nMemAvailable: 100000 kB\n")
    script = 'mount --bind "$0" /proc/meminfo && exec "$1" doctor --json'
    done = subprocess.run(["unshare", "--map-root-user", "--mount", "sh", "-c", script,
                           small_machine, demo.path], capture_output=True, text=True)
    if not done.stdout:
        pytest.skip("nothing can be mounted here")
    ok, findings = findings_of(done)
    assert not ok and findings["memory"]["verdict"] == "problem"
    plan = demo("generate", "p", "--dry-run", "--json")
    needed = json.loads(plan.stdout)["memory"]["needed"] / 2**20
    told = float(findings["memory"]["advice"].removeprefix("even the demo model needs ").split(" MiB")[0])
    assert abs(told - needed) < 20


def test_the_plain_report_has_a_line_for_each_subject(zoetrope):
    lines = zoetrope("doctor").stdout.splitlines()
    assert [s for s in SUBJECTS if not any(line.startswith(s) for line in lines)] == []
