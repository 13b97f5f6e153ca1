// SPDX-License-Identifier: Apache-2.0
// The causal video autoencoders of Wan 2.1 and 2.2 (wan/modules/vae2_1.py, vae2_2.py).
// B batch, C channels, F frames, H height, W width; Z latent channels, M moments (2 Z)
#pragma once

#include <functional>
#include <optional>

#include "models/vae_coder.h"
#include "models/weights.h"
#include "specs/specs.h"

namespace models {

// What a Vae is for: decoding alone leaves the encoder in its file.
enum class VaeUse { both, decode };

struct Vae {
  // Takes all of `from` by the official names; a missing, misshapen or left-over tensor is
  // Error(invalid). Computes in from's Placement::matrices.
  Vae(const specs::VaeSpec& spec, Weights from, VaeUse use = VaeUse::both);

  // Pixels [3,F,H,W] in [-1,1], H and W multiples of space_stride -> the normalised mean
  // (mu - mean) / std, fp32 [Z,1+(F-1)/4,h,w]. Streams, so the working memory does not depend on F.
  // As officially, frames after the last whole group of four do not count.
  Tensor encode(const Tensor& video_CFHW) const;

  // A normalised latent [Z,T,h,w] -> fp32 pixels clamped to [-1,1], handed over in groups of frames
  // in order, 4T-3 in all. Streams, so the working memory does not depend on T.
  void decode(const Tensor& latent_ZFHW,
              const std::function<void(const Tensor& frames_CFHW)>& frames) const;

  // The whole batch of whole sequences at once and differentiable, for training. F is 4n+1.
  // Moments are [mu, log-variance], raw; the latent is raw too (not normalised); pixels are not
  // clamped. The result has the type the blocks compute in.
  Tensor encode_moments(const Tensor& video_BCFHW) const;
  Tensor decode_raw(const Tensor& latent_BZFHW) const;

  // The same chunk by chunk, for whoever keeps the stream. The first chunk of pixels has 4n+1
  // frames, every later one 4n; chunks of latents have any length.
  Tensor encode_chunk(const Tensor& video_BCFHW, Stream& stream) const;
  Tensor decode_chunk(const Tensor& latent_BZFHW, Stream& stream) const;

  // Raw latent <-> normalised latent, per channel. Channels are dimension -4.
  Tensor normalised(const Tensor& raw_ZFHW) const;
  Tensor denormalised(const Tensor& latent_ZFHW) const;

  specs::VaeSpec spec;
  torch::ScalarType dtype;           // of the convolutions
  std::optional<Encoder3d> encoder;  // absent, as conv1, where the use is decode
  Decoder3d decoder;
  std::optional<CausalConv3d> conv1;  // 1x1x1: encoder to moments
  CausalConv3d conv2;                 // 1x1x1: latent to decoder
  Tensor mean, std;                   // fp32 [Z,1,1,1]
};

}  // namespace models
