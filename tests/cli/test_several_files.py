"""A model that is several files: what ComfyUI's folder of models makes necessary."""
import json
import shutil

import pytest


@pytest.fixture(scope="module")
def comfyui(tiny, tmp_path_factory):
    """ComfyUI's folder with the tiny model in it, and more of each kind than one model has."""
    folder = tmp_path_factory.mktemp("comfyui") / "models"
    networks, encoders, vaes = (folder / kind for kind in ("diffusion_models", "text_encoders", "vae"))
    for kind in (networks, encoders, vaes):
        kind.mkdir(parents=True)
    for expert in ("high_noise", "low_noise"):
        network = tiny.folder / f"{expert}_model/diffusion_pytorch_model.safetensors"
        shutil.copy(network, networks / f"tiny_{expert}.safetensors")
    shutil.copy(networks / "tiny_low_noise.safetensors", networks / "other_low_noise.safetensors")
    shutil.copy(tiny.folder / "high_noise_model/config.json", networks)  # heads are not 128 wide
    shutil.copy(next(tiny.folder.glob("*t5*.safetensors")), encoders / "encoder.safetensors")
    for name in ("vae", "other"):
        shutil.copy(next(tiny.folder.glob("*VAE*.safetensors")), vaes / f"{name}.safetensors")
    return folder


@pytest.fixture(scope="module")
def files(comfyui, tiny):
    """Those of them that are one model, and a folder with the tokenizer."""
    networks = comfyui / "diffusion_models"
    return [networks / "tiny_low_noise.safetensors", networks / "tiny_high_noise.safetensors",
            comfyui / "text_encoders/encoder.safetensors", comfyui / "vae/vae.safetensors",
            tiny.folder / "google/umt5-xxl"]


def as_options(files):
    return [word for file in files for word in ("--model", file)]


def test_a_folder_with_more_than_one_model_names_the_candidates(zoetrope, comfyui):
    done = zoetrope("show", comfyui, "--json")
    assert done.returncode == 0, done.stderr
    reason = json.loads(done.stdout)["not_one_model"]
    assert "vae/other.safetensors" in reason and "vae/vae.safetensors" in reason


def test_files_that_belong_together_are_shown_as_one_model(zoetrope, files):
    done = zoetrope("show", *files, "--json")
    assert done.returncode == 0, done.stderr
    description = json.loads(done.stdout)
    assert description["paths"] == [str(file) for file in files]
    assert description["models"] == ["wan2.2-t2v-tiny"]
    assert [part["part"] for part in description["parts"]] == ["dit", "dit", "text_encoder", "vae"]
    assert description["tokenizer"] == str(files[-1])


def test_a_video_is_planned_from_files_that_belong_together(with_engine, files):
    done = with_engine("generate", "p", "--dry-run", "--json", *as_options(files))
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["event"] == "plan" and plan["model"] == "wan2.2-t2v-tiny"


def test_the_parts_that_no_file_holds_are_named(with_engine, files):
    done = with_engine("generate", "p", "--dry-run", *as_options(files[:2]))
    assert done.returncode == 2
    assert "has not the text encoder, the VAE, the tokenizer;" in done.stderr
    assert all(str(file) in done.stderr for file in files[:2])


def test_every_name_that_is_nothing_is_told(with_engine, tmp_path):
    done = with_engine("generate", "p", "--dry-run", *as_options([tmp_path / "a", tmp_path / "b"]))
    assert done.returncode == 2
    assert [line.split()[:4] for line in done.stderr.splitlines()] == [
        ["--model:", "no", "model", str(tmp_path / name)] for name in "ab"]
