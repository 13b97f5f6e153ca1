"""Copies the golden cases that travel with the repository into tests/parity, without their `mid.*`.

    tools/copy_parity_cases.py GOLDENS

One case per thing that can go wrong, chosen to stay under 16 MB; the full set is run wherever
ZOETROPE_GOLDENS names it.
"""
import json
import pathlib
import shutil
import struct
import sys

CASES = """
sampler/*
umt5/inner_width_differs
tokenizer/tiny_plain tokenizer/tiny_html tokenizer/tiny_ftfy tokenizer/tiny_unknown
tokenizer/split_plain tokenizer/split_special tokenizer/umt5_plain tokenizer/umt5_spaces
clip_vision/portrait_up
dit/t2v21_diffusers dit/ti2v22_5b_frame0_clean dit/i2v21_clip
vae21/surplus_frames vae22/clips
image_condition/sizes_i2v image_condition/sizes_ti2v
pipeline/seed_noise pipeline/wan22_t2v_a14b
checkpoint_load/refuse_* checkpoint_load/official_t2v21 checkpoint_load/diffusers_t2v21
checkpoint_load/comfyui_t2v21_fp8_scaled
checkpoint_load/vae_pth_views
lora_apply/bad_files lora_apply/expert_hints lora_apply/conv_patch_embedding lora_apply/f1_scale_zero
lora_apply/f3c_mixed_dots lora_apply/f4_metadata_patterns lora_apply/f6_shape_skip
lora_apply/f6_modulation_diff lora_apply/f6_set_weight lora_apply/f7_loha
lora_apply/f8_lokr_both_low_rank lora_apply/f9_dora lora_apply/stack6 lora_apply/store_fp16_alpha
lora_apply/suffix_spellings lora_apply/text_encoder_keys
""".split()
CHECKPOINTS = """
tokenizer_tiny tokenizer_tiny_split tokenizer_tiny_umt5 official_t2v21 diffusers_t2v21 comfyui_t2v21
vae_pth_views broken lora_base_t2v
""".split()
# Files of those checkpoints that no chosen case opens.
UNUSED = {"wan2.1_t2v_1.3B_bf16.safetensors", "wan2.1_t2v_1.3B_fp16.safetensors",
          "wan2.1_t2v_1.3B_fp8_e4m3fn.safetensors", "wan2.1_t2v_1.3B_fp8_per_channel.safetensors",
          "umt5_xxl_fp16.safetensors", "wan2.1_t2v_1.3B_fp8_comfy_quant.safetensors"}


def copy_tensors(source, target):
    """A safetensors file without its `mid.*` tensors."""
    data = source.read_bytes()
    length, = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    body = data[8 + length:]
    kept, chunks, offset = {}, [], 0
    for name, entry in sorted(header.items(), key=lambda item: item[1].get("data_offsets", [0])[0]):
        if name == "__metadata__" or name.startswith("mid."):
            continue
        begin, end = entry["data_offsets"]
        kept[name] = dict(entry, data_offsets=[offset, offset + end - begin])
        chunks.append(body[begin:end])
        offset += end - begin
    text = json.dumps(kept, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    target.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def copy_case(source, target):
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.name == "tensors.safetensors":
            copy_tensors(file, target / file.name)
        else:
            shutil.copyfile(file, target / file.name)


def main():
    goldens = pathlib.Path(sys.argv[1])
    here = pathlib.Path(__file__).resolve().parent.parent / "tests/parity"
    for folder in [p for p in here.iterdir() if p.is_dir()]:
        shutil.rmtree(folder)
    for pattern in CASES:
        for source in sorted(goldens.glob(pattern)):
            if source.is_dir():
                copy_case(source, here / source.relative_to(goldens))
    for name in CHECKPOINTS:
        for file in sorted((goldens / "checkpoints" / name).rglob("*")):
            target = here / file.relative_to(goldens)
            if file.is_file() and file.name not in UNUSED:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)


if __name__ == "__main__":
    main()
