"""Measures `zoetrope serve` as its callers see it, beside what the machine can do at all.

    bench/server.py --build build [--markdown bench/results/DATE-server.md] [--only polls,submits]

The database holds a million finished and a hundred thousand waiting tasks. It is made once, in the
folder bench-server of the build folder, and copied for every run. Build first: ninja -C build
zoetrope store_bench load bare_server. The load generator (bench/load.cpp) runs on the same machine
and takes its share of it.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import sqlite3
import subprocess
import sys
import time

import machine
import server_crowd
from server_process import Server

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECONDS = 3  # of each measure
IDS = 20_000  # tasks that are polled, out of the whole history
TENANT = "tenant-0"
REPEATS = 3


class Table:
    """Rows of what was measured, printed as they come."""

    HEAD = ["what", "measured", "goal", "beside"]

    def __init__(self):
        self.lines = []
        self.add(*self.HEAD)
        self.add(*["---"] * len(self.HEAD))

    def add(self, what, measured, goal="", beside=""):
        self.lines.append(f"| {what} | {measured} | {goal} | {beside} |")
        print(self.lines[-1], flush=True)


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def rate(value):
    return f"{value:,.0f} /s"


def ms(value):
    return f"{value:.1f} ms"


class Bench:
    def __init__(self, options):
        self.programs = pathlib.Path(options.build).resolve() / "bin"
        self.folder = pathlib.Path(options.build).resolve() / "bench-server"
        self.table = Table()
        self.server = None
        self.key = None
        self.tries = options.tries
        self.patience = options.patience
        self.disturbance = []  # of every measure: the share of the machine that others had

    # ── the stage ──

    def prepare(self, history, queue):
        """A data folder of its own, with a key and a list of tasks to poll."""
        filled = self.folder / f"filled-{history}-{queue}.db"
        data = self.folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        if not filled.exists():
            print("filling the database", file=sys.stderr)
            making = self.folder / "making.db"
            making.unlink(missing_ok=True)
            self.run("store_bench", "fill", making, "--history", history, "--queue", queue)
            making.rename(filled)
        shutil.copyfile(filled, data / "zoetrope.db")
        database = sqlite3.connect(data / "zoetrope.db")
        ids = database.execute("SELECT id FROM task WHERE tenant = ? AND state = 'completed' "
                               "ORDER BY random() LIMIT ?", [TENANT, IDS])
        (self.folder / "ids").write_text("\n".join(row[0] for row in ids))
        database.close()
        self.key = json.loads(self.run(
            "zoetrope", "keys", "create", "--data", data, "--tenant", TENANT, "--name", "bench",
            "--scopes", "tasks:read tasks:write worker", "--json"))["key"]
        os.sync()  # gigabytes on their way to the disk would hold up every commit
        self.server = Server(self.programs / "zoetrope", data, self.key)

    def run(self, program, *words):
        done = subprocess.run([self.programs / program, *map(str, words)], check=True,
                              stdout=subprocess.PIPE, text=True)
        return done.stdout

    def load(self, action, port=None, **options):
        """The measures of a run of the generator; a single one by itself."""
        words = [action, "--port", port or self.server.port, "--key", self.key]
        for name, value in options.items():
            words += [f"--{name}", value]
        results = [json.loads(line) for line in self.run("load", *words).splitlines()]
        for result in results:
            if result["errors"]:
                raise SystemExit(f"{action}: {result['errors']} answers were not 200")
        return results if len(results) > 1 else results[0]

    def calm(self, measure):
        """What `measure` returns, made again while others use the machine; else the least
        disturbed."""
        runs = []
        for _ in range(self.tries):
            machine.wait_for_calm(self.patience)
            others = machine.Others()
            runs.append((measure(), others.share()))
            if runs[-1][1] < machine.CALM:
                break
        result, share = min(runs, key=lambda run: run[1])
        self.disturbance.append(share)
        return result

    def loads(self, action, **options):
        """The run with the median rate, or with the median p99, of several."""
        runs = [self.calm(lambda: self.load(action, seconds=SECONDS, **options))
                for _ in range(REPEATS)]
        key = "p99_ms" if "rate" in options else "per_second"
        return sorted(runs, key=lambda run: run[key])[REPEATS // 2]

    # ── the measures ──

    def floors(self):
        """What this machine does without us."""
        body = self.load("poll", ids=self.folder / "ids", seconds=0.2)["body_bytes"]
        bare = subprocess.Popen([self.programs / "bare_server", "2", str(body)],
                                stdout=subprocess.PIPE, text=True)
        port = int(bare.stdout.readline())
        closed = self.loads("get", port=port, path="/", connections=64)
        opened = self.loads("get", port=port, path="/", connections=64, rate=5000)
        bare.kill()
        bare.wait()
        self.table.add(f"floor: bare Beast server, {body} bytes, 64 connections",
                       rate(closed["per_second"]), "", f"p99 {ms(closed['p99_ms'])}")
        self.table.add("floor: the same at 5,000 /s", f"p99 {ms(opened['p99_ms'])}")
        commits = median(self.calm(self.commits_per_second) for _ in range(REPEATS))
        self.table.add("floor: durable commits of SQLite, one row, one thread", rate(commits))

    def commits_per_second(self, seconds=2):
        file = self.folder / "floor.db"
        file.unlink(missing_ok=True)
        database = sqlite3.connect(file, isolation_level=None)
        database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                               "CREATE TABLE floor (word TEXT)")
        begin, count = time.monotonic(), 0
        while time.monotonic() < begin + seconds:
            database.execute("INSERT INTO floor VALUES (?)", ["w" * 1000])
            count += 1
        database.close()
        return count / seconds

    def polls(self):
        ids = self.folder / "ids"
        for connections in (16, 64, 256):
            result = self.loads("poll", ids=ids, connections=connections)
            self.table.add(f"polls, {connections} connections", rate(result["per_second"]),
                           "15,000 /s", f"p99 {ms(result['p99_ms'])}")
        for pace in (2000, 5000, 10000):
            result = self.loads("poll", ids=ids, connections=256, rate=pace)
            self.table.add(f"polls at {pace:,} /s",
                           f"p50 {ms(result['p50_ms'])}, p99 {ms(result['p99_ms'])}", "p99 5 ms",
                           f"worst {ms(result['worst_ms'])}")

    def submits(self):
        for connections in (16, 64, 256):
            result = self.loads("submit", connections=connections)
            self.table.add(f"submits, {connections} connections", rate(result["per_second"]),
                           "2,000 /s", f"p99 {ms(result['p99_ms'])}")
        result = self.loads("submit", connections=256, rate=1000)
        self.table.add("submits at 1,000 /s",
                       f"p50 {ms(result['p50_ms'])}, p99 {ms(result['p99_ms'])}", "p99 20 ms",
                       f"worst {ms(result['worst_ms'])}")

    def work(self):
        for workers in (4, 16):
            runs = [self.calm(lambda count=workers: self.load(
                "work", connections=count, count=count * 200, weights="wan2.2-t2v-a14b"))
                    for _ in range(REPEATS)]
            both = [run[0]["requests"] / (run[0]["seconds"] + run[2]["seconds"]) for run in runs]
            claim, put, finish = (median(run[i]["per_second"] for run in runs) for i in range(3))
            self.table.add(f"claims and finishes, {workers} workers", rate(median(both)),
                           "1,000 /s", f"claims {rate(claim)}, finishes {rate(finish)}")
            self.table.add(f"files handed in, {workers} workers", rate(put))

    def hand_over(self):
        """From a submit to the answer of a worker that waits, with nothing else to do."""
        times = self.calm(lambda: server_crowd.hand_over_times(self.server, 200))
        self.table.add("from a submit to an idle worker", f"p50 {ms(times[len(times) // 2])}, "
                       f"p99 {ms(times[len(times) * 99 // 100])}", "p99 100 ms",
                       f"worst {ms(times[-1])}")

    def connections(self, count=10_000):
        self.server.stop()  # what it has used before would be used again
        self.server.start()
        before = self.server.memory()
        with server_crowd.idle_connections(self.server.port, count):
            used = self.server.memory() - before
            result = self.load("poll", ids=self.folder / "ids", connections=64, rate=2000)
        self.table.add(f"{count:,} idle connections", f"{used / count / 1000:.1f} kB each",
                       "10 kB", f"polls at 2,000 /s beside them: p99 {ms(result['p99_ms'])}")

    def slow_clients(self, count=2000):
        ids = self.folder / "ids"
        alone = self.loads("poll", ids=ids, connections=64, rate=2000)["p99_ms"]
        with server_crowd.slow_clients(self.server.port, count):
            result = self.loads("poll", ids=ids, connections=64, rate=2000)
        self.table.add(f"polls at 2,000 /s beside {count:,} clients that drip a header",
                       f"p99 {ms(result['p99_ms'])}", "twice the p99 alone",
                       f"alone {ms(alone)}")

    def starts(self):
        def seconds(values):
            return f"{median(values):.2f} s"

        def row(what, goal, prepare):
            times = []
            for _ in range(REPEATS):
                prepare()
                times.append(self.server.start())
            answers, readies = zip(*times)
            self.table.add(what, f"first answer {seconds(answers)}, ready {seconds(readies)}",
                           goal)

        row("start", "3 s", self.server.stop)
        row("start, nothing of the database in memory", "3 s", self.stop_and_forget)
        row("start after kill -9 amid submits", "5 s", self.kill_amid_submits)

    def stop_and_forget(self):
        self.server.stop()
        os.sync()
        with open(self.server.data / "zoetrope.db", "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def kill_amid_submits(self):
        submits = subprocess.Popen(
            [self.programs / "load", "submit", "--port", str(self.server.port), "--key", self.key,
             "--seconds", "10"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1.5)
        self.server.kill()
        submits.wait()


MEASURES = ["floors", "polls", "submits", "work", "hand_over", "connections", "slow_clients",
            "starts"]


def describe():
    """The lines above the table."""
    model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                 if line.startswith("model name"))
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], text=True,
                            stdout=subprocess.PIPE, check=False).stdout.strip()
    return [f"- {model}, {os.cpu_count()} cores, which the load generator shares; Linux "
            f"{os.uname().release}",
            f"- commit {commit}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--history", type=int, default=1_000_000)
    parser.add_argument("--queue", type=int, default=100_000)
    parser.add_argument("--only", default=",".join(MEASURES), help="some of: %(default)s")
    parser.add_argument("--tries", type=int, default=1, help="runs of a measure while others use "
                        "the machine; the least disturbed counts")
    parser.add_argument("--patience", type=float, default=10, help="seconds to wait before each "
                        "run for others to leave the machine alone")
    parser.add_argument("--markdown", help="where the table is written as well")
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    about = describe()
    bench = Bench(options)
    bench.prepare(options.history, options.queue)
    bench.server.start()
    try:
        for name in options.only.split(","):
            getattr(bench, name)()
    finally:
        bench.server.kill()
    if options.markdown:
        about.append(f"- others had {median(bench.disturbance):.0%} of the cores during a measure "
                     f"(median; most {max(bench.disturbance):.0%})")
        text = "\n".join([*about, "", *bench.table.lines, ""])
        pathlib.Path(options.markdown).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
