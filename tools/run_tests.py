"""Runs every test there is and closes with one line: N passed, N failed, N skipped.

Five kinds: the architecture and format checks, the CUDA kernels (compiled, not run), the unit tests
(one program per room), the golden cases through `zoetrope-engine parity`, and the black-box tests in
tests/ through pytest.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHOWN = 4000  # characters of a failing program's output


class Tally:
    """Counts verdicts and keeps the names and reasons of what did not pass."""

    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, verdict, name, reason=""):
        if verdict == "pass":
            self.passed += 1
        elif verdict == "skip":
            self.skipped.append((name, reason))
        else:
            self.failed.append((name, reason))

    def counts(self):
        return self.passed, len(self.failed), len(self.skipped)


def run(command, **kwargs):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, **kwargs)


def check(tally, name, command):
    done = run(command, cwd=ROOT)
    tally.add("pass" if done.returncode == 0 else "fail", name, (done.stdout + done.stderr)[-SHOWN:])


def run_checks(tally, build):
    check(tally, "architecture", [sys.executable, "tools/check_rooms.py", "--build", build])
    formatter = shutil.which("clang-format")
    if not formatter or "version 14." not in run([formatter, "--version"]).stdout:
        tally.add("skip", "format", "clang-format 14 is not here: there is none or another version")
        return
    sources = run(["git", "ls-files", "src/*.h", "src/*.cpp", "src/*.cu"], cwd=ROOT).stdout.split()
    check(tally, "format", [formatter, "--dry-run", "-Werror", *sources])


def run_cuda_check(tally, build):
    check(tally, "cuda kernels compile for sm_90a", ["cmake", "--build", build, "--target", "cuda_kernels"])


def run_unit_tests(tally, program):
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        done = run([program, f"--gtest_output=json:{report.name}"], cwd=ROOT, timeout=1800)
        try:
            results = json.load(open(report.name))
        except json.JSONDecodeError:
            tally.add("fail", program.name, f"exit {done.returncode}\n{done.stderr[-SHOWN:]}")
            return
    for suite in results["testsuites"]:
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            if test["result"] == "SKIPPED":
                tally.add("skip", name, test.get("skipped", [{}])[0].get("message", "").strip())
            elif test.get("failures"):
                tally.add("fail", name, test["failures"][0]["failure"])
            else:
                tally.add("pass", name)


def run_parity(tally, build, folder):
    done = run([build / "bin/zoetrope-engine", "parity", "--json", folder], timeout=3600)
    cases = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not cases:
        tally.add("fail", f"parity {folder}", f"exit {done.returncode}: {done.stderr[-SHOWN:]}")
    for case in cases:
        worst = [t for t in case["tensors"] if not t["passed"]]
        tally.add(case["verdict"].lower(), f"parity {case['module']}/{pathlib.Path(case['case']).name}",
                  case["reason"] or json.dumps(worst))


def run_black_box_tests(tally, build):
    environment = dict(os.environ, ZOETROPE_BIN=str(build / "bin"))
    with tempfile.NamedTemporaryFile(suffix=".xml") as report:
        done = run([sys.executable, "-m", "pytest", "-q", f"--junitxml={report.name}", "tests"],
                   cwd=ROOT, env=environment, timeout=3600)
        if done.returncode == 5:  # pytest's word for "no tests here"
            return
        try:
            tree = xml.etree.ElementTree.parse(report.name)
        except xml.etree.ElementTree.ParseError:
            tally.add("fail", "pytest", done.stdout[-SHOWN:] + done.stderr[-SHOWN:])
            return
    for test in tree.iter("testcase"):
        name = f"{test.get('classname')}.{test.get('name')}"
        problem = next((e for e in test if e.tag in ("failure", "error")), None)
        skip = test.find("skipped")
        if problem is not None:
            tally.add("fail", name, (problem.text or problem.get("message", ""))[-SHOWN:])
        elif skip is not None:
            tally.add("skip", name, skip.get("message", ""))
        else:
            tally.add("pass", name)


def report(tally):
    for name, reason in tally.failed:
        print(f"\nFAILED  {name}\n{reason}")
    reasons = collections.Counter(reason for _, reason in tally.skipped)
    for reason, count in sorted(reasons.items()):
        print(f"skipped {count}: {reason}")
    print("\n%d passed, %d failed, %d skipped" % tally.counts())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--goldens", type=pathlib.Path, help="a folder with the full set of golden cases")
    arguments = parser.parse_args()
    build = arguments.build.resolve()

    tally = Tally()
    steps = [("checks", lambda: run_checks(tally, build)), ("CUDA", lambda: run_cuda_check(tally, build))]
    steps += [(f"unit tests: {p.stem}", lambda p=p: run_unit_tests(tally, p))
              for p in sorted((build / "tests").glob("*_test"))]
    folders = [ROOT / "tests/parity"] + ([arguments.goldens] if arguments.goldens else [])
    steps += [(f"golden cases: {f.name}", lambda f=f: run_parity(tally, build, f)) for f in folders]
    steps += [("black-box tests", lambda: run_black_box_tests(tally, build))]
    for name, step in steps:
        begin = time.monotonic()
        before = tally.counts()
        step()
        delta = tuple(b - a for a, b in zip(before, tally.counts()))
        print(f"{name}: %d passed, %d failed, %d skipped" % delta,
              f"({time.monotonic() - begin:.1f} s)", flush=True)
    report(tally)
    return 1 if tally.failed or tally.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
