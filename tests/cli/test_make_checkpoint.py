"""zoetrope make-checkpoint: a model that the other commands take, or a refusal that leaves nothing."""
import json


def test_what_it_writes_can_be_generated_with(single):
    done = single("generate", "p", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "wan2.1-t2v-tiny"


def test_a_transformer_alone_is_nothing_but_that(with_engine, tmp_path):
    done = with_engine("make-checkpoint", "wan2.1-t2v-tiny", tmp_path / "dit", "--layers", "1", "--only-dit")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "dit").iterdir()} == {
        "config.json", "diffusion_pytorch_model.safetensors"}


def test_an_unknown_model_is_refused_with_those_there_are(with_engine, tmp_path):
    done = with_engine("make-checkpoint", "wan9", tmp_path / "x")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith('MODEL: "wan9" is not one of wan2.1-t2v-1.3b, wan2.1-t2v-14b, ')
    assert list(tmp_path.iterdir()) == []


def test_every_wrong_option_is_told_at_once(with_engine, tmp_path):
    done = with_engine("make-checkpoint", "wan2.1-t2v-tiny", tmp_path / "x", "--layers", "0",
                       "--dtype", "fp8", "--seed", "-1")
    assert done.returncode == 2
    assert done.stderr.splitlines()[:3] == [
        '--layers: "0" is not a whole number from 1 to 1000',
        '--dtype: "fp8" is not one of bf16, fp16, fp32',
        '--seed: "-1" is not a whole number of at least 0']
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused_by_name(with_engine, tmp_path):
    (tmp_path / "file").touch()
    done = with_engine("make-checkpoint", "wan2.1-t2v-tiny", tmp_path / "file")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f'DIR: "{tmp_path}/file" cannot be made: ')
