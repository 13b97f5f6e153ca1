"""zoetrope show and zoetrope models: what weights are here, read from headers alone."""
import json
import shutil

import pytest

from conftest import ROOT

CHECKPOINTS = ROOT / "tests/parity/checkpoints"
FULL = ("wan2.1-t2v-1.3b", "wan2.1-t2v-14b", "wan2.2-t2v-a14b", "wan2.2-ti2v-5b")


def shown(zoetrope, path):
    done = zoetrope("show", path, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def part_of(description, name):
    return next(p for p in description["parts"] if p["part"] == name)


@pytest.fixture(scope="module")
def slim(with_engine, tmp_path_factory):
    """The 1.3B transformer cut to one layer: real widths, a file of megabytes."""
    folder = tmp_path_factory.mktemp("slim")
    done = with_engine("make-checkpoint", "wan2.1-t2v-1.3b", folder / "slim", "--layers", "1", "--only-dit")
    assert done.returncode == 0, done.stderr
    return folder / "slim"


@pytest.mark.parametrize("folder, layout, names", [
    ("official_t2v21", "official", "official"),
    ("diffusers_t2v21", "diffusers", "diffusers"),
    ("comfyui_t2v21", "comfyui", "official"),
])
def test_the_same_transformer_is_told_in_every_layout(zoetrope, folder, layout, names):
    description = shown(zoetrope, CHECKPOINTS / folder)
    dit = part_of(description, "dit")
    assert description["layout"] == layout
    assert dit["names"] == names
    assert dit["network"] == "WanModel"
    assert dit["spec"]["dim"] == 128 and dit["spec"]["num_heads"] == 1


def test_parameters_bytes_and_types_agree_with_each_other(zoetrope):
    for part in shown(zoetrope, CHECKPOINTS / "comfyui_t2v21")["parts"]:
        assert sum(row["tensors"] for row in part["dtypes"].values()) >= part["tensors"]
        assert sum(row["bytes"] for row in part["dtypes"].values()) == part["bytes"]
    dit = part_of(shown(zoetrope, CHECKPOINTS / "comfyui_t2v21"), "dit")
    assert "F8_E4M3 with scale" in dit["dtypes"]
    assert dit["metadata"] == {"format": "pt"}


def test_a_single_file_is_described_by_its_tensors_and_not_its_name(zoetrope, tmp_path):
    source = next((CHECKPOINTS / "comfyui_t2v21").rglob("*t2v*.safetensors"))
    renamed = shutil.copy(source, tmp_path / "holiday.safetensors")
    description = shown(zoetrope, renamed)
    assert [p["part"] for p in description["parts"]] == ["dit"]


def test_a_model_of_known_dimensions_is_named(zoetrope, tiny):
    description = shown(zoetrope, tiny.folder)
    assert "wan2.2-t2v-tiny" in description["models"]
    assert [p.get("expert") for p in description["parts"] if p["part"] == "dit"] == ["high_noise", "low_noise"]


def test_plain_text_says_the_same_in_lines(zoetrope):
    done = zoetrope("show", CHECKPOINTS / "official_t2v21")
    assert done.returncode == 0
    assert "  layout      official\n" in done.stdout
    assert "WanModel" in done.stdout and "dim 128" in done.stdout


def test_real_widths_with_other_depth_match_no_model_but_are_described(zoetrope, slim):
    dit = part_of(shown(zoetrope, slim), "dit")
    assert dit["spec"]["dim"] == 1536 and dit["spec"]["num_layers"] == 1
    assert dit["models"] == []


def test_a_folder_of_models_names_them(zoetrope, tiny):
    folder = tiny.folder.parent
    assert shown(zoetrope, folder)["models_below"] == [tiny.folder.name]
    assert "  models in folders below: wan2.2-t2v-tiny\n" in zoetrope("show", folder).stdout


def test_a_folder_without_weights_is_told_as_such(zoetrope, tmp_path):
    assert "  no weights here\n" in zoetrope("show", tmp_path).stdout


def test_a_broken_file_is_refused_by_name(zoetrope):
    broken = next((CHECKPOINTS / "broken/st_truncated").rglob("*.safetensors"))
    done = zoetrope("show", broken)
    assert done.returncode != 0 and done.stdout == ""
    assert broken.name in done.stderr


def test_a_file_of_another_kind_is_told_as_such(zoetrope):
    done = zoetrope("show", ROOT / "README.md")
    assert done.returncode == 2
    assert done.stderr.startswith(f"{ROOT / 'README.md'}: is no weights file: ")


def test_a_path_that_is_nothing_is_refused(zoetrope, tmp_path):
    done = zoetrope("show", tmp_path / "nothing")
    assert done.returncode != 0
    assert str(tmp_path / "nothing") in done.stderr


# ── models ──────────────────────────────────────────────────────────────────────────────────────


def listed(zoetrope, folder):
    done = zoetrope("models", "--json", environment={"ZOETROPE_MODELS": str(folder)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_models_that_could_be_are_listed_with_their_repositories(zoetrope, tmp_path):
    report = listed(zoetrope, tmp_path)
    assert report["folders"][0] == str(tmp_path)
    assert tuple(row["model"] for row in report["not_installed"]) == FULL
    for row in report["not_installed"]:
        assert row["repository"].startswith("Wan-AI/") and row["bytes"] > 17e9
        assert row["fetch"] == f"zoetrope pull {row['model']}"


def test_the_plain_list_says_how_each_can_be_fetched(zoetrope, tmp_path):
    done = zoetrope("models", environment={"ZOETROPE_MODELS": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert "  wan2.2-t2v-a14b, 117.5 GiB\n      zoetrope pull wan2.2-t2v-a14b\n" in done.stdout


def test_an_installed_model_is_listed_with_its_spec_and_parts(zoetrope, tiny):
    report = listed(zoetrope, tiny.folder.parent)
    row = next(row for row in report["installed"] if row["path"] == str(tiny.folder))
    assert row["name"] == "wan2.2-t2v-tiny"
    assert row["models"] == ["wan2.2-t2v-tiny"]
    assert row["bytes"] > 5e6


def test_a_folder_that_cannot_be_opened_is_listed_with_the_reason(zoetrope, tmp_path):
    shutil.copytree(CHECKPOINTS / "broken/missing_tensor", tmp_path / "torn")
    done = zoetrope("models", environment={"ZOETROPE_MODELS": str(tmp_path)})
    assert done.returncode == 0
    assert "torn\n      cannot be used: " in done.stdout


def test_a_model_of_which_parts_are_missing_is_listed_with_these(zoetrope, slim):
    row = next(row for row in listed(zoetrope, slim.parent)["installed"] if row["name"] == slim.name)
    assert row["parts"] == ["dit"]
    assert row["problem"] == f"{slim}: has not the text encoder, the VAE, the tokenizer"
