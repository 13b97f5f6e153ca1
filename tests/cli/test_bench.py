"""zoetrope-engine bench: the table and the object that docs/gpu.md and bench/compare.py read."""
import json
import re

TINY = ["--model", "wan2.1-t2v-tiny", "--size", "112x64", "--frames", "5", "--repeats", "2",
        "--dtype", "fp32", "--device", "cpu"]
# Operation, milliseconds of one, how many in a forward, milliseconds of them, rate.
ROW = re.compile(r"  (.+?) +[\d.]+ ms x +(\d+) = +[\d.]+ ms +[\d.]+ (TFLOP/s|GB/s)")


def test_the_transformer_as_an_object(with_engine):
    done = with_engine("bench", "dit", *TINY, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["subject"], report["model"]) == ("dit", "wan2.1-t2v-tiny")
    assert (report["size"], report["frames"], report["dtype"]) == ("112x64", 5, "fp32")
    assert report["device"].startswith("cpu (")
    assert len(report["seconds"]) == 2 and min(report["seconds"]) > 0
    assert report["flops"] > 0 and report["operations"] == []
    assert report["peak_flops_per_second"] > 0 and report["peak_bytes"] > 0
    floors = list(report["h200_floor_seconds"].values())
    assert len(floors) == 3 and floors == sorted(floors, reverse=True)


def test_the_operations_as_a_table(with_engine):
    done = with_engine("bench", "operations", *TINY)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("operations  wan2.1-t2v-tiny  112x64 x 5 frames  fp32  cpu (")
    rows = [found.groups() for found in map(ROW.fullmatch, lines) if found]
    assert ("linear, width to width", "48", "TFLOP/s") in rows  # six in each of eight layers
    assert ("self attention", "8", "TFLOP/s") in rows
    assert ("layer norm", "24", "GB/s") in rows
    assert lines[-1].startswith("  peak memory ")


def test_all_that_is_wrong_is_told_at_once(with_engine):
    done = with_engine("bench", "dit", "vae", "--model", "wan9", "--size", "wide")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines()[:3] == [
        'bench: one of dit, operations, vae, umt5, e2e, lora, peak is needed, found "dit vae"',
        '--size: "wide" is not WIDTHxHEIGHT',
        '--model: no model is called "wan9"']
