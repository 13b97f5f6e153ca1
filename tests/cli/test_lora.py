"""LoRA files on the command line: what they change, what is refused, what is told."""
import hashlib
import json
import random
import struct

import pytest

WIDTH = 128
SMALL = ["a red ball bounces", "--frames", "5", "--steps", "2", "--size", "224x128", "--seed", "7"]


def write_lora(path, modules, width=WIDTH, rank=2, prefix="diffusion_model."):
    """Random pairs for these modules of a network this wide."""
    rng = random.Random(1)
    header, data = {}, b""
    for module in modules:
        for part, shape in (("lora_A", [rank, width]), ("lora_B", [width, rank])):
            values = [rng.gauss(0, 0.2) for _ in range(shape[0] * shape[1])]
            piece = struct.pack(f"<{len(values)}f", *values)
            header[f"{prefix}{module}.{part}.weight"] = {
                "dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(piece)]}
            data += piece
    head = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)
    return path


@pytest.fixture(scope="module")
def lora(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lora")
    return write_lora(folder / "style.safetensors",
                      ["blocks.0.self_attn.v", "blocks.3.cross_attn.o"])


@pytest.fixture(scope="module")
def frames_with(tiny, tmp_path_factory):
    """What the model makes of the same request with these options."""
    folder = tmp_path_factory.mktemp("videos")

    def make(*options):
        latents = folder / "latent.safetensors"
        done = tiny("generate", *SMALL, "-o", folder / "x.mp4", "--latents", latents, *options)
        assert done.returncode == 0, done.stderr
        content = latents.read_bytes()
        length, = struct.unpack("<Q", content[:8])
        return hashlib.sha256(content[8 + length:]).hexdigest(), done.stderr

    return make


def test_a_lora_changes_the_video_by_its_scale(frames_with, lora):
    plain, _ = frames_with()
    whole, _ = frames_with("--lora", lora)
    half, _ = frames_with("--lora", f"{lora}:0.5")
    assert len({plain, whole, half}) == 3
    assert frames_with("--lora", f"{lora}:0")[0] == plain, "at scale 0 every bit stays"
    assert frames_with("--lora", f"{lora}:1.0")[0] == whole


def test_each_expert_can_have_its_own(frames_with, lora):
    both, _ = frames_with("--lora", lora)
    high, _ = frames_with("--lora-high", lora)
    low, _ = frames_with("--lora-low", lora)
    assert len({both, high, low}) == 3
    assert frames_with("--lora-high", lora, "--lora-low", lora)[0] == both


def test_a_lora_for_the_other_expert_is_warned_of(frames_with, lora):
    named = lora.with_name("style_low_noise.safetensors")
    named.write_bytes(lora.read_bytes())
    _, told = frames_with("--lora-high", named)
    assert "style_low_noise.safetensors: seems made for the other expert" in told


def test_how_it_was_made_is_in_the_plan(tiny, lora):
    done = tiny("generate", *SMALL, "--lora", f"{lora}:0.5", "--dry-run", "--json")
    plan = json.loads(done.stdout.splitlines()[0])
    assert plan["loras"] == [{"path": "style.safetensors", "scale": 0.5}]


def test_everything_that_is_wrong_is_told_at_once(tiny, single, lora, tmp_path):
    wide = write_lora(tmp_path / "wide.safetensors", ["blocks.0.self_attn.q"], width=5120)
    other = write_lora(tmp_path / "other.safetensors", ["down_blocks.0.to_q"], prefix="lora_unet_")
    done = tiny("generate", *SMALL, "--dry-run", "--lora", wide, "--lora", other, "--lora-high",
                tmp_path / "none.safetensors", "--lora-low", f"{lora}:5")
    assert done.returncode == 2
    for words in ("lora_shape_mismatch: blocks.0.self_attn.q", "5120 wide (wan2.1-t2v-14b",
                  "lora_no_match", "none.safetensors", "--lora-low", "0..4"):
        assert words in done.stderr, done.stderr
    done = single("generate", *SMALL, "--dry-run", "--lora-high", lora)
    assert done.returncode == 2 and "--lora-high: this model has one network" in done.stderr
    done = tiny("generate", *SMALL, "--dry-run", *["--lora", lora] * 4)
    assert done.returncode == 2 and "--lora: is given 4 times, at most 3" in done.stderr


def test_a_lora_is_shown_with_the_models_that_it_is_for(zoetrope, lora, tmp_path):
    done = zoetrope("show", lora, "--json")
    adapter, = json.loads(done.stdout)["adapters"]
    fitting = [model for model in adapter["models"] if "wan2.2-t2v-tiny" in model["names"]]
    assert fitting[0]["modules"] == 2 and adapter["ranks"] == [2]
    assert adapter["forms"] == {"LoRA": 2}
    assert "wan2.2-t2v-tiny" in zoetrope("show", lora).stdout
    odd = write_lora(tmp_path / "odd.safetensors", ["blocks.0.self_attn.q"], width=96)
    assert "for no model that this program knows" in zoetrope("show", odd).stdout
