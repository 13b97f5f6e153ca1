"""zoetrope pull against a hub of this machine, whole and failing, and beside huggingface_hub."""
import json
import shutil
import signal
import struct
import time

import pytest

from fake_hub import COMMIT, Hub, make_certificate, sha256

OFFICIAL = "Wan-AI/Wan2.1-T2V-1.3B"


@pytest.fixture
def hub():
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return make_certificate(tmp_path_factory.mktemp("certificate"))


class Pull:
    """`zoetrope pull` with everything in one folder."""

    def __init__(self, zoetrope, folder, url):
        self.zoetrope, self.folder = zoetrope, folder
        self.environment = {
            "HF_ENDPOINT": url, "HF_HOME": str(folder / "hf"), "HF_TOKEN": "", "HF_HUB_OFFLINE": "",
            "HF_HUB_CACHE": "", "ZOETROPE_MODELS": str(folder / "models"),
            "ZOETROPE_LORAS": str(folder / "loras")}

    def __call__(self, *arguments, environment=None):
        return self.zoetrope("pull", *arguments, environment={**self.environment, **(environment or {})},
                             timeout=60)

    def start(self, *arguments):
        return self.zoetrope.start("pull", *arguments, environment=self.environment)

    def models(self):
        done = self.zoetrope("models", "--json", environment=self.environment)
        return [model for model in json.loads(done.stdout)["installed"]
                if model["path"].startswith(str(self.folder))]


@pytest.fixture
def pull(zoetrope, hub, tmp_path):
    return Pull(zoetrope, tmp_path, hub.url)


@pytest.fixture
def pull_from(zoetrope, tmp_path):
    return lambda url: Pull(zoetrope, tmp_path, url)


def weights(count, name="w"):
    """A safetensors file with one tensor of so many floats."""
    header = json.dumps({name: {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}).encode()
    body = b"".join(struct.pack("<f", i % 1000) for i in range(count))
    return struct.pack("<Q", len(header)) + header + body


def official_files(floats=1000):
    """Named as in the official repository, with little in them."""
    return {
        "README.md": b"about", "assets/logo.png": b"picture", ".gitattributes": b"x",
        "config.json": b'{"dim": 1536}',
        "diffusion_pytorch_model.safetensors": weights(floats),
        "models_t5_umt5-xxl-enc-bf16.pth": weights(200, "t5"),
        "Wan2.1_VAE.pth": weights(300, "vae"),
        "google/umt5-xxl/tokenizer.json": b"{}", "google/umt5-xxl/spiece.model": b"model",
        "examples/video.mp4": b"clip"}


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


# ── by name ─────────────────────────────────────────────────────────────────────────────────────


def test_a_model_comes_with_what_it_needs_and_no_more(hub, pull, tmp_path):
    hub.repositories[OFFICIAL] = official_files()
    done = pull("wan2.1-t2v-1.3b")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "models/wan2.1-t2v-1.3b"
    assert done.stdout.strip() == str(folder)
    assert "6 files" in done.stderr and " are free" in done.stderr
    expected = official_files()
    for left_out in ("README.md", "assets/logo.png", ".gitattributes", "examples/video.mp4"):
        del expected[left_out]
    assert files_below(folder) == expected
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert pull.models()[0]["name"] == "wan2.1-t2v-1.3b"


def test_a_second_pull_fetches_nothing(hub, pull, tmp_path):
    hub.repositories[OFFICIAL] = official_files()
    assert pull(OFFICIAL).returncode == 0  # the repository's name does as well
    sent = len(hub.contents_sent())
    (tmp_path / "models/wan2.1-t2v-1.3b/Wan2.1_VAE.pth").unlink()
    done = pull("wan2.1-t2v-1.3b", "--json")
    assert done.returncode == 0, done.stdout
    plan = json.loads(done.stdout.splitlines()[0])
    assert plan["bytes_to_fetch"] == len(weights(300, "vae"))
    assert len(hub.contents_sent()) == sent + 1
    assert (tmp_path / "models/wan2.1-t2v-1.3b/Wan2.1_VAE.pth").read_bytes() == weights(300, "vae")


def test_the_layout_of_comfyui_stands_beside_the_official_one(hub, pull, tmp_path):
    hub.repositories["Comfy-Org/Wan_2.2_ComfyUI_Repackaged"] = {
        "split_files/diffusion_models/wan2.2_t2v_high_noise_14B_fp8_scaled.safetensors": weights(10),
        "split_files/diffusion_models/wan2.2_t2v_low_noise_14B_fp8_scaled.safetensors": weights(11),
        "split_files/vae/wan_2.1_vae.safetensors": weights(12)}
    hub.repositories["Comfy-Org/Wan_2.1_ComfyUI_repackaged"] = {
        "split_files/text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors": weights(13)}
    done = pull("wan2.2-t2v-a14b", "--layout", "comfyui-fp8")
    assert done.returncode == 0, done.stderr
    assert files_below(tmp_path / "models/wan2.2-t2v-a14b-comfyui-fp8") == {
        "diffusion_models/wan2.2_t2v_high_noise_14B_fp8_scaled.safetensors": weights(10),
        "diffusion_models/wan2.2_t2v_low_noise_14B_fp8_scaled.safetensors": weights(11),
        "vae/wan_2.1_vae.safetensors": weights(12),
        "text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors": weights(13)}


def test_distilled_loras_get_plain_names(hub, pull, tmp_path):
    folder = "Wan2.2-T2V-A14B-4steps-lora-rank64-Seko-V1.1"
    hub.repositories["lightx2v/Wan2.2-Lightning"] = {
        f"{folder}/high_noise_model.safetensors": weights(10),
        f"{folder}/low_noise_model.safetensors": weights(11)}
    done = pull("wan2.2-t2v-a14b-lightning")
    assert done.returncode == 0, done.stderr
    assert files_below(tmp_path / "loras/wan2.2-t2v-a14b-lightning") == {
        "high_noise.safetensors": weights(10), "low_noise.safetensors": weights(11)}


def test_a_dry_run_only_says_what_would_come(hub, pull, tmp_path):
    hub.repositories[OFFICIAL] = official_files()
    done = pull("wan2.1-t2v-1.3b", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["bytes"] == plan["bytes_to_fetch"] == sum(row["bytes"] for row in plan["files"])
    assert not hub.contents_sent() and not (tmp_path / "models").exists()


def test_the_list_names_every_model_and_lora(pull):
    done = pull("--list")
    assert done.returncode == 0
    for name in ("wan2.1-t2v-1.3b", "wan2.1-t2v-14b", "wan2.2-t2v-a14b", "wan2.2-ti2v-5b",
                 "wan2.2-t2v-a14b-lightning", "wan2.2-t2v-a14b --layout comfyui-fp8"):
        assert f"\n  {name}\n" in "\n" + done.stdout
    rows = json.loads(pull("--list", "--json").stdout)["offers"]
    assert all(row["bytes"] > 6e8 and "/" in row["repository"] for row in rows)
    sizes = {(row["name"], row["layout"]): row["bytes"] for row in rows}
    assert sizes["wan2.2-t2v-a14b", "comfyui-fp8"] < sizes["wan2.2-t2v-a14b", "comfyui"] / 1.8
    assert sizes["wan2.2-t2v-a14b", "comfyui"] == pytest.approx(2 * 28.6e9 + 11.4e9 + 0.25e9, rel=0.01)


@pytest.mark.parametrize("arguments, message", [
    ((), "NAME: is missing"),
    (("wan", "--list"), "--list takes no name"),
    (("wan2.9-t2v",), "no model or LoRA is called wan2.9-t2v; there are wan2.1-t2v-1.3b, "),
    (("wan2.1-t2v-1.3b", "--layout", "comfyui-fp8"), "only in official, comfyui"),
    (("wan2.1-t2v-1.3b", "--layout", "gguf"), "gguf"),
    (("alice/nothing",), "alice/nothing on 127.0.0.1"),
])
def test_what_cannot_be_pulled_is_said_in_one_line(hub, pull, arguments, message):
    done = pull(*arguments)
    assert done.returncode != 0
    assert message in done.stderr and "lora_" not in done.stderr, done.stderr


# ── faults ──────────────────────────────────────────────────────────────────────────────────────


def test_a_connection_that_breaks_is_made_again(hub, pull, tmp_path):
    hub.repositories[OFFICIAL] = official_files(200_000)
    hub.break_after = 300_000
    done = pull("wan2.1-t2v-1.3b")
    assert done.returncode == 0, done.stderr
    assert len(hub.contents_sent()) == 3 + 2  # 800 kB in three parts
    assert (tmp_path / "models/wan2.1-t2v-1.3b/diffusion_pytorch_model.safetensors").read_bytes() == weights(200_000)


def test_after_a_kill_the_next_pull_goes_on_and_nothing_looked_whole(hub, pull, tmp_path):
    hub.repositories[OFFICIAL] = official_files(2_000_000)
    hub.pause = 0.05
    process = pull.start("wan2.1-t2v-1.3b")
    deadline = time.monotonic() + 30
    while len(hub.contents_sent()) < 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    assert pull.models() == []
    process.send_signal(signal.SIGINT)  # leaves a note of what is here
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert pull.models() == [] and not (tmp_path / "models/wan2.1-t2v-1.3b").exists()

    process = pull.start("wan2.1-t2v-1.3b")
    time.sleep(0.5)
    process.kill()
    process.communicate()
    assert pull.models() == []
    hub.pause = 0
    sent = len(hub.cdn.asked)
    done = pull("wan2.1-t2v-1.3b", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout.splitlines()[0])
    assert 0 < plan["bytes_to_fetch"] < plan["bytes"] - 500_000
    ranges = [headers.get("range") for _, path, headers in hub.cdn.asked[sent:] if "diffusion" in path]
    assert ranges and ranges[0] and not ranges[0].startswith("bytes=0-")
    assert (tmp_path / "models/wan2.1-t2v-1.3b/diffusion_pytorch_model.safetensors").read_bytes() == weights(2_000_000)


def test_a_damaged_file_never_becomes_part_of_a_model(hub, pull, tmp_path):
    hub.repositories[OFFICIAL] = official_files()
    hub.spoil = lambda content: content[:-1] + b"\xff"
    done = pull("wan2.1-t2v-1.3b")
    assert done.returncode == 1
    assert "is damaged: has SHA-256" in done.stderr
    assert pull.models() == []
    hub.spoil = lambda content: content[:-1]
    assert "bytes, expected" in pull("wan2.1-t2v-1.3b").stderr
    hub.spoil = None
    assert pull("wan2.1-t2v-1.3b").returncode == 0


def test_a_busy_hub_is_asked_again_when_it_says(hub, pull):
    hub.repositories[OFFICIAL] = official_files()
    hub.busy = [1]
    begin = time.monotonic()
    assert pull("wan2.1-t2v-1.3b").returncode == 0
    assert time.monotonic() - begin >= 1
    hub.busy = [3600]
    done = pull("wan2.1-t2v-1.3b")
    assert done.returncode == 1 and "to try again in 3600 s" in done.stderr


def test_two_pulls_of_one_model_do_not_get_into_each_other(hub, pull):
    hub.repositories[OFFICIAL] = official_files(500_000)
    hub.pause = 0.03
    first = pull.start("wan2.1-t2v-1.3b")
    while not hub.contents_sent():
        time.sleep(0.02)
    second = pull("wan2.1-t2v-1.3b")
    assert second.returncode == 1 and "another process is pulling" in second.stderr
    hub.pause = 0
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 0, errors


def test_a_token_is_needed_and_goes_to_the_hub_alone(hub, pull):
    hub.repositories[OFFICIAL] = official_files()
    hub.token = "hf_canary"
    done = pull("wan2.1-t2v-1.3b")
    assert done.returncode != 0 and "HF_TOKEN is not set" in done.stderr
    done = pull("wan2.1-t2v-1.3b", environment={"HF_TOKEN": "hf_canary"})
    assert done.returncode == 0, done.stderr
    assert "hf_canary" not in done.stderr + done.stdout
    assert hub.contents_sent() and all("authorization" not in headers for _, _, headers in hub.cdn.asked)


def test_certificates_are_checked(certificate, pull_from):
    hub = Hub(certificate)
    try:
        hub.repositories[OFFICIAL] = official_files()
        pull = pull_from(hub.url)
        pull.environment["SSL_CERT_FILE"] = str(certificate[0])
        done = pull("wan2.1-t2v-1.3b")
        assert done.returncode == 0, done.stderr
    finally:
        hub.close()


# ── beside huggingface_hub ──────────────────────────────────────────────────────────────────────


@pytest.fixture
def library(hub, tmp_path):
    """huggingface_hub's own download, in the same cache."""
    huggingface_hub = pytest.importorskip("huggingface_hub")

    def download(path, **options):
        return huggingface_hub.hf_hub_download(
            "alice/style", path, endpoint=hub.url, cache_dir=tmp_path / "hf/hub", **options)

    return download


def test_the_python_library_finds_what_we_fetched(hub, pull, library, tmp_path):
    import huggingface_hub
    hub.repositories["alice/style"] = {"style.safetensors": weights(1000), "README.md": b"# style"}
    done = pull("alice/style")
    assert done.returncode == 0, done.stderr
    path = done.stdout.strip()
    assert path == str(tmp_path / f"hf/hub/models--alice--style/snapshots/{COMMIT}/style.safetensors")
    assert library("style.safetensors", local_files_only=True) == path
    assert library("style.safetensors") == path
    assert pull("alice/style:README.md").returncode == 0
    assert len(hub.contents_sent()) == 1
    scanned = huggingface_hub.scan_cache_dir(tmp_path / "hf/hub")
    assert not scanned.warnings
    [repository] = scanned.repos
    assert repository.repo_id == "alice/style" and repository.nb_files == 2
    assert library("README.md", local_files_only=True).endswith("README.md")


def test_we_find_what_the_python_library_fetched(hub, pull, library):
    hub.repositories["alice/style"] = {"a/style.safetensors": weights(1000)}
    path = library("a/style.safetensors")
    sent = len(hub.contents_sent())
    done = pull("alice/style")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == path
    done = pull("alice/style/a/style.safetensors", environment={"HF_HUB_OFFLINE": "1"})
    assert done.stdout.strip() == path
    assert len(hub.contents_sent()) == sent
    for name in ("alice/other", "wan2.1-t2v-1.3b"):
        done = pull(name, environment={"HF_HUB_OFFLINE": "1"})
        assert done.returncode != 0 and "HF_HUB_OFFLINE" in done.stderr


def test_a_model_in_the_librarys_cache_is_not_fetched_again(hub, pull, tmp_path):
    huggingface_hub = pytest.importorskip("huggingface_hub")
    hub.repositories[OFFICIAL] = official_files()
    for path in hub.repositories[OFFICIAL]:
        huggingface_hub.hf_hub_download(OFFICIAL, path, endpoint=hub.url, cache_dir=tmp_path / "hf/hub")
    sent = len(hub.contents_sent())
    # One of them has lost a byte since.
    blob = tmp_path / "hf/hub/models--Wan-AI--Wan2.1-T2V-1.3B/blobs" / sha256(weights(300, "vae"))
    blob.write_bytes(weights(300, "vae")[:-1] + b"\xff")
    done = pull("wan2.1-t2v-1.3b")
    assert done.returncode == 0, done.stderr
    assert len(hub.contents_sent()) == sent + 1
    assert (tmp_path / "models/wan2.1-t2v-1.3b/Wan2.1_VAE.pth").read_bytes() == weights(300, "vae")
