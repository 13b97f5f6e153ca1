"""zoetrope generate: complaints, plan, events, files, interruption."""
import json
import math
import os
import resource
import signal
import struct
import subprocess
import time

import pytest

from conftest import ROOT

SMALL = ["--frames", "5", "--steps", "2", "--size", "224x128", "--seed", "7"]


def events_of(text):
    return [json.loads(line) for line in text.splitlines()]


def probe(path):
    done = subprocess.run(["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams",
                           path], capture_output=True, text=True, check=True)
    report = json.loads(done.stdout)
    return report["streams"][0], report["format"]


# ── complaints: these need no weights ───────────────────────────────────────────────────────────


def complaints_of(with_engine, *arguments, **kwargs):
    done = with_engine("generate", *arguments, **kwargs)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_every_complaint_comes_at_once(with_engine, tmp_path):
    lines = complaints_of(with_engine, "a red ball", "--steps", "0", "--guidance", "nan", "--sizes",
                          "64x64", "--seed", "-2", "--model", "none/such", "-o", tmp_path)
    text = "\n".join(lines)
    assert '--steps: "0" is not a whole number from 1 to 1000' in lines
    assert '--guidance: "nan" is not a number from 0 to 100, or two as HIGH,LOW' in lines
    assert "--sizes: no such option; did you mean --size?" in lines
    assert '--seed: "-2" is not a whole number of at least -1' in lines
    assert "--model: no model none/such in " in text
    assert f'--output: "{tmp_path}" is a folder, not a file' in lines


def test_a_missing_model_is_refused_with_where_it_was_looked_for(with_engine, tmp_path):
    lines = complaints_of(with_engine, "p", "-o", tmp_path / "x.mp4", "--model", "other",
                          environment={"ZOETROPE_MODELS": str(tmp_path)})
    assert lines[0].startswith(f"--model: no model other in {tmp_path} or ")


@pytest.mark.parametrize("option, name, ending", [
    ("--sheet", "x.jpg", ".png"),
    ("--latents", "x.pt", ".safetensors"),
])
def test_a_file_of_another_kind_is_refused(with_engine, tmp_path, option, name, ending):
    lines = complaints_of(with_engine, "p", "-o", tmp_path / "x.mp4", "--model", "none/such",
                          option, tmp_path / name)
    assert f'{option}: "{tmp_path / name}" does not end in {ending}' in lines


@pytest.mark.parametrize("option, value, complaint", [
    ("--shift", "nan", '--shift: "nan" is not a number from 0.01 to 100'),
    ("--shift", "inf", '--shift: "inf" is not a number from 0.01 to 100'),
    ("--solver", "heun", '--solver: "heun" is not one of unipc, dpm++, euler'),
    ("--dtype", "fp8", '--dtype: "fp8" is not one of bf16, fp32'),
])
def test_a_value_outside_its_range_is_refused(with_engine, option, value, complaint):
    assert complaint in complaints_of(with_engine, "p", "--dry-run", "--model", "none/such", option, value)


@pytest.mark.parametrize("output, why", [
    ("x.avi", "does not end in .mp4"),
    ("no/such/x.mp4", "which is no folder"),
    ("pipe.mp4", "is not a regular file"),
])
def test_an_output_that_cannot_be_written_is_refused(with_engine, tmp_path, output, why):
    os.mkfifo(tmp_path / "pipe.mp4")
    lines = complaints_of(with_engine, "p", "-o", tmp_path / output, "--model", "none/such")
    assert any(line.startswith("--output: ") and why in line for line in lines), lines


def test_an_output_is_asked_for(with_engine):
    lines = complaints_of(with_engine, "p", "--model", "none/such")
    assert "--output FILE.mp4: is missing; -o out.mp4, for example" in lines


def test_a_prompt_that_is_not_utf8_is_refused(with_engine, tmp_path):
    done = subprocess.run([with_engine.path, "generate", b"a \xff ball", "-o", tmp_path / "x.mp4",
                           "--model", "none/such"], capture_output=True)
    assert done.returncode == 2
    assert b"PROMPT" in done.stderr and b"UTF-8" in done.stderr


def test_an_unknown_device_is_refused(with_engine, tmp_path):
    lines = complaints_of(with_engine, "p", "-o", tmp_path / "x.mp4", "--model", "none/such",
                          "--device", "tpu")
    assert '--device: "tpu" is not one of auto, cpu, cuda, cuda:N' in lines


def test_complaints_are_an_event_too(with_engine, tmp_path):
    done = with_engine("generate", "p", "--json", "--steps", "0", "-o", tmp_path / "x.mp4")
    assert done.returncode == 2
    event = events_of(done.stdout)[-1]
    assert event["event"] == "error" and event["exit_code"] == 2
    assert "--steps" in event["message"]


def test_help_lists_every_option(with_engine):
    done = with_engine("generate", "--help")
    assert done.returncode == 0
    for option in ["--model", "--negative-prompt", "--size", "--seconds", "--frames", "--steps",
                   "--guidance", "--shift", "--solver", "--seed", "--noise-device", "--device",
                   "--dtype", "--sheet", "--latents", "--json", "--dry-run"]:
        assert option in done.stdout


# ── with a model ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("options, complaint", [
    (["--size", "833x480"], "--size: 833x480"),
    (["--size", "big"], '--size: "big" is not WIDTHxHEIGHT, such as 832x480'),
    (["--frames", "80"], "--frames: 80"),
    (["--seconds", "600"], "--seconds: 600 s in frames: 9601 is not 4n+1 between 1 and 4093"),
    (["--seconds", "0"], '--seconds: "0" is not a number from 0.01 to 600'),
    (["--frames", "99999999"], '--frames: "99999999" is not a whole number from 1 to 100000'),
    (["--frames", "5", "--seconds", "2"], "--seconds: 2 is given beside --frames 5"),
    (["--guidance", "3,2,1"], '--guidance: "3,2,1" is not a number from 0 to 100'),
])
def test_values_are_held_against_the_model(tiny, tmp_path, options, complaint):
    lines = complaints_of(tiny, "p", "-o", tmp_path / "x.mp4", *options)
    assert any(line.startswith(complaint) for line in lines), lines
    assert list(tmp_path.iterdir()) == []


def test_two_guidances_are_for_two_networks(single, tmp_path):
    lines = complaints_of(single, "p", "-o", tmp_path / "x.mp4", "--guidance", "3,2")
    assert lines == ['--guidance: "3,2" is two numbers, but this model has one network']


def test_a_model_that_is_broken_is_refused_by_file_and_tensor(with_engine, tmp_path):
    broken = ROOT / "tests/parity/checkpoints/broken/missing_tensor"
    [line] = complaints_of(with_engine, "p", "-o", tmp_path / "x.mp4", "--model", broken)
    assert line.startswith(f"--model: {broken}/diffusion_pytorch_model.safetensors: no tensor ")
    assert list(tmp_path.iterdir()) == []


def test_a_model_without_a_tokenizer_is_refused(single, with_engine, tmp_path):
    torn = tmp_path / "torn"
    torn.mkdir()
    for file in single.folder.glob("*.*"):
        (torn / file.name).symlink_to(file)
    [line] = complaints_of(with_engine, "p", "--dry-run", "--model", torn)
    assert line.startswith(f"--model: {torn}: has not the tokenizer")


def test_a_dry_run_prints_the_plan_and_does_nothing(tiny, tmp_path):
    done = tiny("generate", "p", "--dry-run", "-o", tmp_path / "x.mp4", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "5 frames of 224x128 (rendered at 112x64 and resampled), 2 steps" in done.stdout
    for part in ["text encoder", "high-noise network", "low-noise network", "video decoder"]:
        assert part in done.stdout
    assert done.stdout.rstrip().endswith("fits")
    assert list(tmp_path.iterdir()) == []


def test_the_plan_as_an_event(tiny):
    done = tiny("generate", "p", "--dry-run", "--json", *SMALL)
    [plan] = events_of(done.stdout)
    assert plan["event"] == "plan" and plan["seed"] == 7 and plan["frames"] == 5
    memory = plan["memory"]
    assert memory["fits"] and memory["needed"] < memory["available"]
    assert all(part["weights"] > 0 and part["working"] > 0 for part in memory["parts"])


def test_seconds_are_the_nearest_frames(tiny):
    done = tiny("generate", "p", "--dry-run", "--json", "--seconds", "5")
    assert events_of(done.stdout)[0]["frames"] == 81


def test_a_video_with_all_its_files_and_events(tiny, tmp_path):
    prompt = 'a "red" ball, 红球'
    done = tiny("generate", prompt, "-o", tmp_path / "x.mp4", "--sheet", tmp_path / "x.png",
                "--latents", tmp_path / "x.safetensors", "--json", *SMALL)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.mp4", "x.png", "x.safetensors"]

    events = events_of(done.stdout)
    assert [e["event"] for e in events][0] == "plan" and events[-1]["event"] == "done"
    phases = [e["phase"] for e in events if e["event"] == "phase"]
    assert [p for p in phases if p != "load"] == ["text", "denoise", "decode"]
    assert phases[0] == "load" and phases.count("load") == 4  # each of the two experts in its turn
    steps = [e["done"] for e in events if e["event"] == "step" and e["phase"] == "denoise"]
    assert steps == [1, 2]

    stream, container = probe(tmp_path / "x.mp4")
    assert (stream["codec_name"], stream["profile"], stream["pix_fmt"]) == ("h264", "High", "yuv420p")
    assert (stream["width"], stream["height"], stream["nb_frames"]) == (224, 128, "5")
    assert stream["r_frame_rate"] == "16/1" and stream["color_space"] == "bt709"
    comment = json.loads(container["tags"]["comment"])
    assert comment["model"] == "wan2.2-t2v-tiny"
    assert comment["prompt"] == prompt and comment["seed"] == 7 and comment["steps"] == 2
    assert container["tags"]["title"] == prompt
    stream, _ = probe(tmp_path / "x.png")
    assert stream["codec_name"] == "png"


def test_words_that_the_demo_model_does_not_know_are_named(single, tmp_path):
    arguments = ["generate", "A cat, on a white piano!", "-o", tmp_path / "x.mp4", "--dry-run", *SMALL]
    assert "warning: the demo model has no such words: cat, piano; " in single(*arguments).stderr
    [plan] = events_of(single(*arguments, "--json").stdout)
    assert len(plan["warnings"]) == 1 and "cat, piano" in plan["warnings"][0]


def test_a_prompt_of_known_words_brings_no_warning(single, tmp_path):
    done = single("generate", "A red ball bounces.", "-o", tmp_path / "x.mp4", "--dry-run", *SMALL)
    assert done.returncode == 0 and done.stderr == ""
    [plan] = events_of(single("generate", "A red ball bounces.", "--dry-run", "--json").stdout)
    assert plan["warnings"] == []


def test_a_prompt_of_100_kilobytes_with_any_character(single, tmp_path):
    unit = "a red \N{BALLOON} ball\t\x01\x07\x1b[31m\n\N{FAMILY}\N{ZERO WIDTH JOINER}\x7f "
    prompt = unit * (100_000 // len(unit.encode()))
    done = single("generate", prompt, "-o", tmp_path / "x.mp4", *SMALL)
    assert done.returncode == 0, done.stderr
    _, container = probe(tmp_path / "x.mp4")
    assert json.loads(container["tags"]["comment"])["prompt"] == prompt


def latent_of(single, folder, *options):
    """The header and the bytes of the latents file, and how the video was made."""
    file = folder / "x.safetensors"
    done = single("generate", "p", "-o", folder / "x.mp4", "--latents", file, *SMALL, *options)
    assert done.returncode == 0, done.stderr
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    return header, data[8 + length:], json.loads(header["__metadata__"]["zoetrope"])


def test_the_latents_file_holds_one_tensor_and_how_it_was_made(single, tmp_path):
    header, data, recipe = latent_of(single, tmp_path)
    assert set(header) == {"latent", "__metadata__"}
    # 16 channels; 5 frames of 112x64, the size that is rendered, in cells of 4x8x8.
    assert header["latent"]["shape"] == [16, 2, 8, 14] and header["latent"]["dtype"] == "F32"
    values = struct.unpack(f"<{16 * 2 * 8 * 14}f", data)
    assert all(map(math.isfinite, values)) and len(set(values)) > 1000
    assert (recipe["model"], recipe["prompt"], recipe["seed"]) == ("wan2.1-t2v-tiny", "p", 7)


def test_solvers_and_types_of_numbers_differ(single, tmp_path):
    latents = set()
    for solver, dtype in [("unipc", "bf16"), ("dpm++", "bf16"), ("euler", "bf16"), ("unipc", "fp32")]:
        _, data, recipe = latent_of(single, tmp_path, "--solver", solver, "--dtype", dtype)
        assert (recipe["solver"], recipe["dtype"]) == (solver, dtype)
        latents.add(data)
    assert len(latents) == 4


def test_stdout_holds_the_path_alone(tiny, tmp_path):
    done = tiny("generate", "", "-o", tmp_path / "x.mp4", *SMALL)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'x.mp4'}\n"
    assert "denoise: 2 steps" in done.stderr and "seed 7" in done.stderr


def test_the_same_seed_gives_the_same_file_and_another_one_another(tiny, tmp_path):
    for name, seed in [("a", 1), ("b", 1), ("c", 2)]:
        assert tiny("generate", "p", "-o", tmp_path / f"{name}.mp4", *SMALL[:-1], seed).returncode == 0
    a, b, c = ((tmp_path / f"{name}.mp4").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_a_drawn_seed_is_told(tiny, tmp_path):
    seeds = set()
    for _ in range(2):
        done = tiny("generate", "p", "--dry-run", "--json", "--seed", "-1")
        seeds.add(events_of(done.stdout)[0]["seed"])
    assert len(seeds) == 2 and min(seeds) >= 0


@pytest.mark.parametrize("phase", ["denoise", "decode"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing(tiny, tmp_path, phase, number):
    process = tiny.start("generate", "p", "-o", tmp_path / "x.mp4", "--sheet", tmp_path / "x.png",
                         "--json", "--frames", "81", "--steps", "40" if phase == "denoise" else "1")
    steps_after = 0
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "step" and event["phase"] == phase:
            process.send_signal(number)
            break
    for line in process.stdout:
        event = json.loads(line)
        steps_after += event["event"] == "step"
    assert process.wait(timeout=60) == 130
    assert event == {"event": "error", "message": "interrupted", "exit_code": 130}
    assert steps_after <= 1
    assert list(tmp_path.iterdir()) == []


def test_a_second_interruption_ends_at_once_and_leaves_nothing(tiny, tmp_path):
    process = tiny.start("generate", "p", "-o", tmp_path / "x.mp4", "--sheet", tmp_path / "x.png",
                         "--json", "--frames", "81", "--steps", "1", "--size", "4096x4096")
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "step" and event["phase"] == "decode":
            break
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.mp4.partial", "x.png.partial"]
    process.send_signal(signal.SIGSTOP)  # so that both signals wait for it together
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGCONT)
    assert process.wait(timeout=60) == 130
    assert list(tmp_path.iterdir()) == []


def with_mount(mount, tiny, *arguments):
    """Runs the program where `mount`, a shell command, has changed what it sees; or skips."""
    probe_only = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount]
    if subprocess.run(probe_only, capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted here")
    script = mount + ' && exec "$0" "$@"'
    return subprocess.run([*probe_only[:-1], script, tiny.path, *map(str, arguments), *tiny.model],
                          capture_output=True, text=True)


def test_a_read_only_folder_is_refused(tiny, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    arguments = ["generate", "p", "-o", closed / "x.mp4", *SMALL]
    if os.geteuid() == 0:  # who may write into any folder but those of a read-only file system
        done = with_mount(f"mount -t tmpfs -o ro none {closed}", tiny, *arguments)
    else:
        done = tiny(*arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert f'--output: "{closed}/x.mp4" lies in "{closed}", where nothing may be written' in done.stderr


def test_a_disk_that_runs_full_is_named(tiny, tmp_path):
    done = with_mount(f"mount -t tmpfs -o size=16k none {tmp_path}", tiny,
                      "generate", "p", "-o", tmp_path / "x.mp4", *SMALL)
    assert done.returncode == 1
    assert f"{tmp_path}/x.mp4: cannot write: No space left on device" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("option, name", [("--sheet", "x.png"), ("--latents", "x.safetensors")])
def test_a_disk_too_full_for_one_of_the_files_leaves_none(tiny, tmp_path, option, name):
    full = tmp_path / "full"
    full.mkdir()
    done = with_mount(f"mount -t tmpfs -o size=4k none {full} && head -c 4096 /dev/zero > {full}/0",
                      tiny, "generate", "p", "-o", tmp_path / "x.mp4", option, full / name, *SMALL)
    assert done.returncode == 1
    assert f"{full / name}: cannot write: No space left on device" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_limit_on_file_sizes_is_an_error_like_a_full_disk(tiny, tmp_path):
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
    done = tiny("generate", "p", "-o", tmp_path / "x.mp4", *SMALL, preexec_fn=limit)
    assert done.returncode == 1
    assert f"{tmp_path}/x.mp4: cannot write: File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_is_refused_at_once_with_what_would(tiny, tmp_path):
    small_machine = tmp_path / "meminfo"
    small_machine.write_text("MemTotal: 1000000 kB\nMemAvailable: 400000 kB\n")
    begin = time.monotonic()
    done = with_mount(f"mount --bind {small_machine} /proc/meminfo", tiny,
                      "generate", "p", "-o", tmp_path / "x.mp4", "--json", "--frames", "4093")
    assert time.monotonic() - begin < 5  # under a second on a quiet machine
    assert done.returncode == 1
    plan, error = events_of(done.stdout)
    assert not plan["memory"]["fits"] and plan["memory"]["available"] == 400000 * 1024
    assert error["event"] == "error" and error["exit_code"] == 1
    assert "not enough memory" in error["message"]
    assert "what would fit: --frames " in error["message"]
    longest = error["message"].split("--frames ")[1].split()[0]
    done = with_mount(f"mount --bind {small_machine} /proc/meminfo", tiny,
                      "generate", "p", "--dry-run", "--frames", longest)
    assert done.returncode == 0
