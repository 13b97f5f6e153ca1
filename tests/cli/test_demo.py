"""The demo model that comes with the repository: a prompt in, a playable video out."""
import json
import subprocess

import pytest

from conftest import ROOT

PROMPT = "a red ball bounces on a navy background"
NAVY = (20, 28, 90)


def frames_of(path, width, height):
    """Every frame as bytes, red green blue."""
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
                         capture_output=True, check=True).stdout
    size = width * height * 3
    return [raw[i:i + size] for i in range(0, len(raw), size)]


def pixel(frame, width, x, y):
    at = 3 * (y * width + x)
    return tuple(frame[at:at + 3])


@pytest.fixture(scope="module")
def clip(demo, tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "ball.mp4"
    done = demo("generate", PROMPT, "--seed", "7", "--size", "832x480", "--json", "-o", path)
    assert done.returncode == 0, done.stderr
    return path, json.loads(done.stdout.splitlines()[-1])


def test_five_seconds_at_480p_take_less_than_twenty(clip):
    path, last = clip
    assert last["event"] == "done" and last["output"] == str(path)
    assert last["seconds"] < 20
    assert len(frames_of(path, 832, 480)) == 81


def test_the_background_is_the_one_of_the_prompt(clip):
    for frame in frames_of(clip[0], 832, 480)[::20]:
        for x, y in ((40, 40), (790, 40), (40, 240), (790, 440)):
            seen = pixel(frame, 832, x, y)
            assert all(abs(a - b) < 40 for a, b in zip(seen, NAVY)), (x, y, seen)


def test_something_red_is_in_every_second_of_it(clip):
    for frame in frames_of(clip[0], 832, 480)[::16]:
        pixels = zip(frame[0::3], frame[1::3], frame[2::3])
        red = sum(r > 140 and g < 100 and b < 110 for r, g, b in pixels)
        assert red > 2000, red


def test_another_seed_is_another_video(demo, tmp_path):
    made = []
    for seed in ("1", "1", "2"):
        path = tmp_path / f"{len(made)}.mp4"
        done = demo("generate", PROMPT, "--seed", seed, "--frames", "5", "--steps", "4", "-o", path)
        assert done.returncode == 0, done.stderr
        made.append(frames_of(path, 832, 480))
    assert made[0] == made[1] != made[2]


def test_the_demo_weights_stay_within_22_megabytes():
    # What two models share is one file, to which the other one links.
    files = {path.resolve() for path in (ROOT / "weights/tiny").rglob("*") if path.is_file()}
    assert sum(file.stat().st_size for file in files) <= 22e6


@pytest.mark.parametrize("model", ["wan2.1-t2v-tiny", "wan2.2-t2v-tiny"])
def test_the_score_counts_what_was_right(demo, model):
    engine = demo.path.parent / "zoetrope-engine"
    models = json.loads(demo("models", "--json").stdout)["installed"]
    folder = next(m["path"] for m in models if m["name"] == model)
    done = subprocess.run([engine, "score-toy", folder, "--count", "3", "--frames", "17", "--json"],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    *clips, score = [json.loads(line) for line in done.stdout.splitlines()]
    assert score["clips"] == len(clips) == 3
    for part in ("colour", "shape", "background", "motion"):
        assert score[part] == sum(c[part] for c in clips)
    assert score["background"] == 3
