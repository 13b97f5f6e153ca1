"""The peer's side of bench/compare.py: the same weights and inputs through diffusers and transformers.

Prints one JSON line: seconds (each timed run), peak_bytes, and saves its output for the comparison of
numbers. Runs in .venv-bench, on the CPU.
"""
import argparse
import json
import pathlib
import re
import resource
import time

import torch
from safetensors.torch import load_file, save_file

# official name -> diffusers name, by regular expression, in order (transformer_wan.py's own names).
DIT_NAMES = [
    (r"^text_embedding\.0\.", "condition_embedder.text_embedder.linear_1."),
    (r"^text_embedding\.2\.", "condition_embedder.text_embedder.linear_2."),
    (r"^time_embedding\.0\.", "condition_embedder.time_embedder.linear_1."),
    (r"^time_embedding\.2\.", "condition_embedder.time_embedder.linear_2."),
    (r"^time_projection\.1\.", "condition_embedder.time_proj."),
    (r"^head\.modulation$", "scale_shift_table"),
    (r"^head\.head\.", "proj_out."),
    (r"\.modulation$", ".scale_shift_table"),
    (r"\.self_attn\.(norm_[qk])\.", r".attn1.\1."),
    (r"\.self_attn\.o\.", ".attn1.to_out.0."),
    (r"\.self_attn\.([qkv])\.", r".attn1.to_\1."),
    (r"\.cross_attn\.(norm_[qk])\.", r".attn2.\1."),
    (r"\.cross_attn\.o\.", ".attn2.to_out.0."),
    (r"\.cross_attn\.([qkv])\.", r".attn2.to_\1."),
    (r"\.norm3\.", ".norm2."),
    (r"\.ffn\.0\.", ".ffn.net.0.proj."),
    (r"\.ffn\.2\.", ".ffn.net.2."),
]
VAE_NAMES = [
    (r"^conv1\.", "quant_conv."),
    (r"^conv2\.", "post_quant_conv."),
    (r"^(encoder|decoder)\.conv1\.", r"\1.conv_in."),
    (r"\.middle\.0\.", ".mid_block.resnets.0."),
    (r"\.middle\.1\.", ".mid_block.attentions.0."),
    (r"\.middle\.2\.", ".mid_block.resnets.1."),
    (r"\.head\.0\.", ".norm_out."),
    (r"\.head\.2\.", ".conv_out."),
    (r"\.residual\.0\.", ".norm1."),
    (r"\.residual\.2\.", ".conv1."),
    (r"\.residual\.3\.", ".norm2."),
    (r"\.residual\.6\.", ".conv2."),
    (r"\.shortcut\.", ".conv_shortcut."),
    (r"^encoder\.downsamples\.", "encoder.down_blocks."),
]
UMT5_NAMES = [
    (r"^token_embedding\.", "shared."),
    (r"^norm\.", "encoder.final_layer_norm."),
    (r"^blocks\.(\d+)\.norm1\.", r"encoder.block.\1.layer.0.layer_norm."),
    (r"^blocks\.(\d+)\.attn\.", r"encoder.block.\1.layer.0.SelfAttention."),
    (r"^blocks\.(\d+)\.pos_embedding\.embedding\.",
     r"encoder.block.\1.layer.0.SelfAttention.relative_attention_bias."),
    (r"^blocks\.(\d+)\.norm2\.", r"encoder.block.\1.layer.1.layer_norm."),
    (r"^blocks\.(\d+)\.ffn\.gate\.0\.", r"encoder.block.\1.layer.1.DenseReluDense.wi_0."),
    (r"^blocks\.(\d+)\.ffn\.fc1\.", r"encoder.block.\1.layer.1.DenseReluDense.wi_1."),
    (r"^blocks\.(\d+)\.ffn\.fc2\.", r"encoder.block.\1.layer.1.DenseReluDense.wo."),
]


def renamed(tensors, table):
    result = {}
    for name, tensor in tensors.items():
        for pattern, replacement in table:
            name = re.sub(pattern, replacement, name)
        # The flat decoder list of the official VAE: three blocks and an upsampler per stage.
        flat = re.match(r"^decoder\.upsamples\.(\d+)\.(.*)", name)
        if flat:
            stage, index = divmod(int(flat[1]), 4)
            part = f"resnets.{index}" if index < 3 else "upsamplers.0"
            name = f"decoder.up_blocks.{stage}.{part}.{flat[2]}"
        result[name] = tensor
    return result


def load_tensors(folder, pattern):
    tensors = {}
    for file in sorted(pathlib.Path(folder).glob(pattern)):
        tensors.update(load_file(file))
    return tensors


def load_dit(folder, dtype):
    from diffusers import WanTransformer3DModel
    config = json.loads((pathlib.Path(folder) / "config.json").read_text())
    with torch.device("meta"):
        model = WanTransformer3DModel(
            num_attention_heads=config["num_heads"],
            attention_head_dim=config["dim"] // config["num_heads"],
            in_channels=config["in_dim"], out_channels=config["out_dim"],
            ffn_dim=config["ffn_dim"], num_layers=config["num_layers"], freq_dim=config["freq_dim"])
    tensors = renamed(load_tensors(folder, "diffusion_pytorch_model*.safetensors"), DIT_NAMES)
    keep = model._keep_in_fp32_modules
    tensors = {name: t.to(torch.float32 if any(k in name.split(".") for k in keep) else dtype)
               for name, t in tensors.items()}
    model.load_state_dict(tensors, strict=True, assign=True)
    # The rotary tables are buffers that were made on the meta device; make them again.
    rope = model.rope
    model.rope = type(rope)(rope.attention_head_dim, rope.patch_size, rope.max_seq_len)
    return model.eval()


def load_vae(folder, dtype):
    from diffusers import AutoencoderKLWan
    model = AutoencoderKLWan().to(dtype)
    model.load_state_dict(renamed(load_tensors(folder, "Wan2.1_VAE.safetensors"), VAE_NAMES), strict=True)
    return model.eval()


def load_umt5(folder, dtype):
    from transformers import UMT5Config, UMT5EncoderModel
    tensors = renamed(load_tensors(folder, "models_t5_umt5-xxl-enc-bf16.safetensors"), UMT5_NAMES)
    layers = 1 + max(int(n.split(".")[2]) for n in tensors if n.startswith("encoder.block."))
    tensors["encoder.embed_tokens.weight"] = tensors["shared.weight"]
    config = UMT5Config(vocab_size=tensors["shared.weight"].shape[0], d_model=4096, d_kv=64, d_ff=10240,
                        num_layers=layers, num_heads=64, feed_forward_proj="gated-gelu")
    with torch.device("meta"):
        model = UMT5EncoderModel(config)
    model.load_state_dict({n: t.to(dtype) for n, t in tensors.items()}, strict=True, assign=True)
    return model.eval()


ENOUGH_SECONDS = 60


def timed(run, repeats, warm_up):
    warm_up()
    seconds = []
    while len(seconds) < repeats and sum(seconds) < ENOUGH_SECONDS:
        begin = time.perf_counter()
        output = run()
        seconds.append(time.perf_counter() - begin)
    return seconds, output


def bench_dit(a, inputs, dtype):
    model = load_dit(a.weights, dtype)
    text = torch.zeros(1, 512, inputs["context"].shape[-1])
    text[0, :inputs["context"].shape[0]] = inputs["context"]
    x, text, t = inputs["x"][None].to(dtype), text.to(dtype), inputs["t"]
    def run():
        return model(x, t, text, return_dict=False)[0][0]
    return timed(run, a.repeats, run)


def bench_vae(a, inputs, dtype):
    model = load_vae(a.weights, dtype)
    mean = torch.tensor(model.config.latents_mean).view(1, -1, 1, 1, 1)
    std = torch.tensor(model.config.latents_std).view(1, -1, 1, 1, 1)
    z = (inputs["z"][None] * std + mean).to(dtype)
    return timed(lambda: model.decode(z, return_dict=False)[0][0].clamp(-1, 1), a.repeats,
                 lambda: model.decode(z[:, :, :1]))


def bench_umt5(a, inputs, dtype):
    model = load_umt5(a.weights, dtype)
    ids = torch.zeros(1, 512, dtype=torch.long)
    mask = torch.zeros(1, 512, dtype=torch.long)
    n = inputs["ids"].numel()
    ids[0, :n], mask[0, :n] = inputs["ids"], 1
    def run():
        return model(ids, mask).last_hidden_state[0, :n]
    return timed(run, a.repeats, run)


def bench_e2e(a, inputs, dtype):
    """As WanPipeline does: encode prompt and negative prompt, denoise with guidance, decode. The VAE is
    fp32, as diffusers documents it. No warm-up: it takes minutes."""
    from diffusers import UniPCMultistepScheduler, WanPipeline
    pipeline = WanPipeline(tokenizer=None, text_encoder=None, transformer=load_dit(a.weights, dtype),
                           vae=load_vae(a.weights, torch.float32),
                           scheduler=UniPCMultistepScheduler(
                               prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0))
    pipeline.set_progress_bar_config(disable=True)
    encoder = load_umt5(a.weights, dtype)

    def encode(row):
        ids = torch.zeros(1, 512, dtype=torch.long)
        mask = torch.zeros(1, 512, dtype=torch.long)
        ids[0, :row.numel()], mask[0, :row.numel()] = row, 1
        hidden = encoder(ids, mask).last_hidden_state
        hidden[:, row.numel():] = 0
        return hidden

    def run():
        return pipeline(prompt_embeds=encode(inputs["ids"]),
                        negative_prompt_embeds=encode(inputs["negative_ids"]),
                        latents=inputs["x"][None].float(), height=a.height, width=a.width,
                        num_frames=a.frames, num_inference_steps=a.steps, guidance_scale=5.0,
                        output_type="pt").frames[0]
    return timed(run, a.repeats, lambda: None)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["dit", "vae", "umt5", "e2e"])
    parser.add_argument("--weights", required=True, help="folder in the official layout")
    parser.add_argument("--inputs", required=True, help="safetensors with the inputs")
    parser.add_argument("--output", required=True, help="where the result is saved")
    parser.add_argument("--dtype", choices=["bf16", "fp32"], default="bf16")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--frames", type=int, default=17)
    parser.add_argument("--steps", type=int, default=2)
    a = parser.parse_args()
    run = {"dit": bench_dit, "vae": bench_vae, "umt5": bench_umt5, "e2e": bench_e2e}[a.what]
    with torch.inference_mode():
        seconds, output = run(a, load_file(a.inputs), {"bf16": torch.bfloat16, "fp32": torch.float32}[a.dtype])
    save_file({"output": output.float().contiguous().clone()}, a.output)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
