"""zoetrope-engine train-toy: two steps of every stage, in two runs, and a model out of them."""
import json

import pytest


def train(with_engine, *arguments):
    done = with_engine("train-toy", *arguments, "--threads", "1")
    assert done.returncode == 0, done.stderr


def run_stage(with_engine, stage, folder, *options):
    """One step, and in the folder that it left, another one; the weights."""
    for steps in (1, 2):
        train(with_engine, stage, "--state", folder, "--steps", steps, "--batch", "2", *options)
    assert {path.name for path in folder.iterdir()} == {
        "log.txt", "state.safetensors", "weights.safetensors"}
    assert "resumed at step 1" in (folder / "log.txt").read_text()
    return folder / "weights.safetensors"


def part_in(with_engine, file):
    [part] = json.loads(with_engine("show", file, "--json").stdout)["parts"]
    return part["part"]


@pytest.fixture(scope="module")
def code(with_engine, tmp_path_factory):
    folder = tmp_path_factory.mktemp("code")
    train(with_engine, "code", "--state", folder, "--steps", "2")
    return folder / "code.safetensors"


@pytest.fixture(scope="module")
def text(with_engine, tmp_path_factory):
    return run_stage(with_engine, "text", tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def dit(with_engine, tmp_path_factory, text, code):
    return run_stage(with_engine, "dit", tmp_path_factory.mktemp("dit"), "--text", text, "--code", code,
                     "--look", "0")


@pytest.fixture(scope="module")
def vae(with_engine, tmp_path_factory, code):
    return run_stage(with_engine, "vae", tmp_path_factory.mktemp("vae"), "--skeleton", "--code", code,
                     "--frames", "5", "--look", "0")


def test_each_stage_learns_its_part_and_goes_on_where_it_stopped(with_engine, text, dit, vae):
    assert part_in(with_engine, text) == "text_encoder"
    assert part_in(with_engine, dit) == "dit"
    assert part_in(with_engine, vae) == "vae"


def test_the_parts_are_released_as_a_model(with_engine, tmp_path, text, dit, vae):
    train(with_engine, "release", "--state", tmp_path, "--text", text, "--dit", dit, "--vae", vae)
    done = with_engine("generate", "a red ball", "--dry-run", "--json", "--model", tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "wan2.1-t2v-tiny"


def test_all_that_a_stage_lacks_is_told_at_once(with_engine, tmp_path):
    done = with_engine("train-toy", "dit", "--state", tmp_path / "x", "--frames", "2")
    assert done.returncode == 2
    assert done.stderr.splitlines()[:3] == [
        "train-toy dit needs --text FILE",
        "train-toy dit needs --code FILE",
        "--frames: 2 is not 4n+1"]
    assert list(tmp_path.iterdir()) == []
