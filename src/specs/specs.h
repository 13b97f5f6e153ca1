// SPDX-License-Identifier: Apache-2.0
// What each network is and how each model is meant to be run: facts with their source, no
// behaviour. Networks of a checkpoint that matches no row are described by the same structs, filled
// from the checkpoint itself (weights/detect.h).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace specs {

// A diffusion transformer (WanModel). Fixed for every Wan model and therefore not here: patch
// (1,2,2), 1000 training timesteps, full attention.
struct DitSpec {
  int dim = 0;
  int ffn_dim = 0;
  int num_heads = 0;
  int num_layers = 0;
  int in_dim = 16;  // 36 where mask and condition latent are joined to the noise
  int out_dim = 16;
  int freq_dim = 256;
  int text_dim = 4096;
  int text_len = 512;
  int clip_dim = 0;      // width of the CLIP features; 0: no CLIP branch
  int image_tokens = 0;  // rows of img_emb.emb_pos (514 for first-and-last-frame models); 0: none
  bool cross_attn_norm = true;
  double eps = 1e-6;

  bool operator==(const DitSpec&) const = default;
  constexpr int head_dim() const { return dim / num_heads; }
};

enum class VaeKind { vae21, vae22 };

// The two causal video autoencoders. Multipliers (1,2,4,4), two residual blocks per stage.
struct VaeSpec {
  VaeKind kind = VaeKind::vae21;
  int dim = 96;
  int decoder_dim = 96;  // differs from dim in the 2.2 VAE only
  int z_dim = 16;

  bool operator==(const VaeSpec&) const = default;
  constexpr int time_stride() const { return 4; }
  constexpr int space_stride() const { return kind == VaeKind::vae21 ? 8 : 16; }
};

// Per-channel statistics of the latents, in no checkpoint of the official layout.
// Source: wan/modules/vae2_1.py, wan/modules/vae2_2.py.
std::span<const float> latents_mean(VaeKind kind);
std::span<const float> latents_std(VaeKind kind);

// The UMT5 encoder.
struct Umt5Spec {
  int vocab = 256384;
  int dim = 4096;
  int dim_attn = 4096;
  int dim_ffn = 10240;
  int num_heads = 64;
  int num_layers = 24;
  int num_buckets = 32;

  bool operator==(const Umt5Spec&) const = default;
};

// The CLIP image tower (only Wan 2.1 image to video).
struct ClipSpec {
  int image_size = 224;
  int patch_size = 14;
  int dim = 1280;
  int mlp_dim = 5120;
  int num_heads = 16;
  int num_layers = 32;
  double eps = 1e-5;

  bool operator==(const ClipSpec&) const = default;
};

struct Size {
  int width = 0;
  int height = 0;
  bool operator==(const Size&) const = default;
};

// A model as it is meant to be run. `boundary` 0 means one network; otherwise steps whose timestep
// is >= boundary * 1000 use the high-noise network.
struct ModelSpec {
  std::string_view name;
  DitSpec dit;
  VaeSpec vae;
  Umt5Spec umt5;
  int steps = 50;
  double shift = 5.0;
  double guidance_high = 5.0;  // of the only network where there is one
  double guidance_low = 5.0;
  double boundary = 0;
  int frames = 81;
  int fps = 16;
  std::span<const Size> sizes;  // the first is the default
  Size native{};                // not {0,0}: renders at this size and resamples to the asked one
  std::string_view repository;  // the official one on Hugging Face; empty: none, as it comes along

  constexpr int size_multiple() const { return vae.space_stride() * 2; }
  constexpr bool has_native_size() const { return native != Size{}; }
  // A demonstration, which knows the toy world alone.
  constexpr bool is_demo() const { return repository.empty(); }
};

// Every model this program knows by name.
std::span<const ModelSpec> models();

// The model called `name`, or nullptr.
const ModelSpec* find_model(std::string_view name);

// Used where the caller gives no negative prompt. Source: sample_neg_prompt in
// wan/configs/shared_config.py.
std::string_view default_negative_prompt();

}  // namespace specs
