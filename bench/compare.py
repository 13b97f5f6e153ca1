"""Our engine beside diffusers and transformers: same machine, same weights, same inputs, in turn.

    make bench

Four questions (a) DiT forward, (b) VAE decode, (c) text encoder, (d) the whole pipeline, at the
geometry of wan2.1-t2v-1.3b, 256x256, 17 frames, in bf16 on the CPU. Each side runs as a process of
its own, A B A B; times are medians over all counted runs, memory is the process's peak. The outputs
are compared too: a fast wrong answer is no answer.
"""
import argparse
import datetime
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

import torch
from safetensors.torch import load_file, save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = "wan2.1-t2v-1.3b"
SIZE = 256
FRAMES = 17
STEPS = 2
GOALS = {"dit": "1.1x", "vae": "2x, 1/3 of the memory", "umt5": "4x", "e2e": "1.5x"}


def make_inputs(folder):
    generator = torch.Generator().manual_seed(1)
    t = (FRAMES - 1) // 4 + 1
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


def ours(engine, what, folder, a):
    return run([engine, "bench", what, "--model", MODEL, "--size", f"{SIZE}x{SIZE}", "--frames", FRAMES,
                "--steps", STEPS, "--repeats", a.repeats, "--device", "cpu", "--json",
                "--weights", folder / "weights", "--inputs", folder / "inputs.safetensors",
                "--output", folder / f"ours-{what}.safetensors"])


def theirs(what, folder, a):
    return run([sys.executable, ROOT / "bench/peer.py", what, "--weights", folder / "weights",
                "--inputs", folder / "inputs.safetensors", "--repeats", a.repeats,
                "--output", folder / f"peer-{what}.safetensors", "--width", SIZE, "--height", SIZE,
                "--frames", FRAMES, "--steps", STEPS])


def difference(folder, what):
    """Relative difference of the outputs, in the 2-norm."""
    got = load_file(folder / f"ours-{what}.safetensors")["output"].flatten()
    want = load_file(folder / f"peer-{what}.safetensors")["output"].flatten()
    if got.numel() != want.numel():
        return float("nan")
    return ((got - want).norm() / want.norm()).item()


def compare(engine, what, folder, a):
    runs = {"ours": [], "peer": []}
    for _ in range(a.rounds):
        runs["ours"].append(ours(engine, what, folder, a))
        runs["peer"].append(theirs(what, folder, a))
    seconds = {side: statistics.median(s for r in results for s in r["seconds"])
               for side, results in runs.items()}
    memory = {side: max(r["peak_bytes"] for r in results) for side, results in runs.items()}
    peak = max(r["peak_flops_per_second"] for r in runs["ours"])
    rate = runs["ours"][0]["flops"] / seconds["ours"]
    return [what, f"{seconds['ours']:.3f}", f"{seconds['peer']:.3f}",
            f"{seconds['peer'] / seconds['ours']:.2f}x", GOALS[what],
            f"{memory['ours'] / 2**30:.2f}", f"{memory['peer'] / 2**30:.2f}",
            f"{rate / 1e9:.0f}", f"{100 * rate / peak:.0f} %", f"{difference(folder, what):.1e}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=2, help="times that both sides run, in turn")
    parser.add_argument("--repeats", type=int, default=3, help="counted runs of one process")
    parser.add_argument("--umt5-layers", type=int, default=4)
    parser.add_argument("what", nargs="*", default=list(GOALS))
    a = parser.parse_args()
    engine = a.build / "bin/zoetrope-engine"

    folder = pathlib.Path(tempfile.mkdtemp(prefix="zoetrope-bench-"))
    try:
        make_inputs(folder)
        subprocess.run([engine, "make-checkpoint", MODEL, folder / "weights", "--dtype", "bf16",
                        "--umt5-layers", str(a.umt5_layers)], check=True)
        columns = ["", "ours s", "peer s", "ratio", "goal", "ours GiB", "peer GiB", "GFLOP/s",
                   "of peak", "difference"]
        print(f"# {datetime.date.today()}  {MODEL}, {SIZE}x{SIZE}x{FRAMES}, bf16, CPU; "
              f"text encoder with {a.umt5_layers} of 24 layers; e2e {STEPS} steps\n")
        print("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns))
        for what in a.what:
            print("| " + " | ".join(compare(engine, what, folder, a)) + " |", flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
