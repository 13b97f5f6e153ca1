"""Our engine beside diffusers and transformers: same machine, same weights, same inputs, in turn.

    make bench

Four questions: (a) one forward of the transformer, (b) the VAE decoder, (c) the text encoder, (d) the
whole pipeline, at the geometry of wan2.1-t2v-1.3b, 256x256, on the CPU. Each run is a
process of its own, ours and theirs in turn; times are medians over all counted runs, memory is the
most that the process ever had. The outputs are compared too: a fast wrong answer is no answer.

The table says what is smaller than the real thing: --layers, --steps, --frames. Where a CPU has no instructions
for bf16, the peer in bf16 is several times slower than in fp32, so it is measured in both.
"""
import argparse
import datetime
import json
import pathlib
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile

import diffusers
import torch
import transformers
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = "wan2.1-t2v-1.3b"
SIZE = 256
# Question, our type, the peer's type and the goal. diffusers documents its VAE in fp32; in e2e both
# text encoder and transformer are bf16 and the peer's VAE is fp32.
ROWS = [
    ("dit", "bf16", "bf16", "1.1x"),
    ("dit", "bf16", "fp32", ""),
    ("vae", "bf16", "fp32", "2x, 1/3 of the memory"),
    ("vae", "fp32", "fp32", "2x, 1/3 of the memory"),
    ("umt5", "bf16", "bf16", "4x"),
    ("umt5", "bf16", "fp32", ""),
    ("e2e", "bf16", "bf16", "1.5x"),
]
COLUMNS = ["", "ours", "peer", "ours s", "peer s", "ratio", "goal", "ours GiB", "peer GiB",
           "GFLOP/s", "of peak", "difference"]


def make_inputs(folder, frames):
    generator = torch.Generator().manual_seed(1)
    t = (frames - 1) // 4 + 1
    latent = torch.randn(16, t, SIZE // 8, SIZE // 8, generator=generator)
    ids = torch.randint(3, 250000, (60,), generator=generator)
    ids[-1] = 1
    negative = torch.randint(3, 250000, (126,), generator=generator)
    negative[-1] = 1
    save_file({"x": latent, "z": latent.clone(), "t": torch.tensor([500.0]), "ids": ids,
               "negative_ids": negative, "context": torch.randn(60, 4096, generator=generator)},
              folder / "inputs.safetensors")


def run(command):
    done = subprocess.run([str(w) for w in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


class Bench:
    def __init__(self, engine, folder, arguments):
        self.engine, self.folder, self.a = engine, folder, arguments
        self.runs = {}

    def common(self, side, what, dtype):
        return ["--dtype", dtype, "--frames", self.a.frames, "--steps", self.a.steps,
                "--repeats", self.a.repeats, "--weights", self.folder / "weights",
                "--inputs", self.folder / "inputs.safetensors",
                "--output", self.folder / f"{side}-{what}-{dtype}.safetensors"]

    def measure(self, side, what, dtype):
        if side == "ours":
            command = [self.engine, "bench", what, "--model", MODEL, "--size", f"{SIZE}x{SIZE}",
                       "--device", "cpu", "--json"]
        else:
            command = [sys.executable, ROOT / "bench/peer.py", what, "--width", SIZE, "--height", SIZE]
        result = run(self.a.through + command + self.common(side, what, dtype))
        self.runs.setdefault((side, what, dtype), []).append(result)

    def difference(self, what, our_type, peer_type):
        """Relative difference of the outputs, in the 2-norm."""
        got = load_file(self.folder / f"ours-{what}-{our_type}.safetensors")["output"].flatten()
        want = load_file(self.folder / f"peer-{what}-{peer_type}.safetensors")["output"].flatten()
        return ((got - want).norm() / want.norm()).item() if got.numel() == want.numel() else float("nan")

    def row(self, what, our_type, peer_type, goal, peak):
        sides = [("ours", what, our_type), ("peer", what, peer_type)]
        wanted = [side for side in sides if side not in self.runs]  # a row may share a side
        for _ in range(self.a.rounds):
            for side in wanted:
                self.measure(*side)
        ours, peer = (self.runs[side] for side in sides)
        ours_s, peer_s = (statistics.median(s for r in runs for s in r["seconds"]) for runs in (ours, peer))
        ours_b, peer_b = (max(r["peak_bytes"] for r in runs) / 2**30 for runs in (ours, peer))
        rate = ours[0]["flops"] / ours_s
        return [what, our_type, peer_type, f"{ours_s:.2f}", f"{peer_s:.2f}", f"{peer_s / ours_s:.2f}x", goal,
                f"{ours_b:.2f}", f"{peer_b:.2f}", f"{rate / 1e9:.0f}", f"{100 * rate / peak:.0f} %",
                f"{self.difference(what, our_type, peer_type):.1e}"]


def processor():
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    facts = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    wanted = ["avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16"]
    flags = facts.get("flags", "").split()
    return (f"{facts.get('model name', platform.processor())} (family {facts.get('cpu family')}, model "
            f"{facts.get('model')}), {torch.get_num_threads()} threads, "
            + ", ".join(f if f in flags else f"no {f}" for f in wanted))


def header(peaks, a):
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True,
                            text=True).stdout.strip()
    print(f"# {datetime.date.today()}: {MODEL}, {SIZE}x{SIZE}, {a.frames} frames\n\n"
          f"- CPU: {processor()}\n"
          f"- ours at {commit}; torch {torch.__version__}, diffusers {diffusers.__version__}, "
          f"transformers {transformers.__version__}\n"
          f"- matrix products of torch, random numbers, best of 512^3 to 2048^3: fp32 "
          f"{peaks['fp32'] / 1e9:.0f} GFLOP/s, bf16 {peaks['bf16'] / 1e9:.0f}; shares are of the larger\n"
          f"- random weights; {a.layers} layers each of transformer and text encoder; e2e has "
          f"{a.steps} step(s), two forwards each\n"
          f"- {a.rounds} process(es) per side, at most {a.repeats} counted run(s) each; memory is the "
          "peak of the process, weights and libraries included\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=1, help="times that both sides run, in turn")
    parser.add_argument("--repeats", type=int, default=3,
                        help="counted runs of one process; fewer once they took a minute")
    parser.add_argument("--layers", type=int, default=2, help="of the transformer and the text encoder")
    parser.add_argument("--steps", type=int, default=1, help="of e2e")
    parser.add_argument("--frames", type=int, default=17)
    parser.add_argument("--through", type=shlex.split, default=[],
                        help="a command that every measurement runs through, as taskset -c 0,1")
    parser.add_argument("--weights", type=pathlib.Path, help="keep weights and results in this folder")
    parser.add_argument("what", nargs="*", default=sorted({row[0] for row in ROWS}))
    a = parser.parse_args()
    engine = a.build / "bin/zoetrope-engine"

    folder = a.weights or pathlib.Path(tempfile.mkdtemp(prefix="zoetrope-bench-"))
    try:
        folder.mkdir(exist_ok=True)
        make_inputs(folder, a.frames)
        if not (folder / "weights").exists():
            subprocess.run([engine, "make-checkpoint", MODEL, folder / "weights", "--dtype", "bf16",
                            "--layers", str(a.layers)], check=True, stdout=subprocess.DEVNULL)
        peaks = {t: run(a.through + [engine, "bench", "peak", "--device", "cpu", "--dtype", t,
                                     "--json"])["flops_per_second"] for t in ("fp32", "bf16")}
        header(peaks, a)
        print("| " + " | ".join(COLUMNS) + " |\n|" + " --- |" * len(COLUMNS), flush=True)
        bench = Bench(engine, folder, a)
        for row in ROWS:
            if row[0] in a.what:
                print("| " + " | ".join(bench.row(*row, max(peaks.values()))) + " |", flush=True)
    finally:
        if a.weights is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
