// SPDX-License-Identifier: Apache-2.0
// The encoder and decoder of both video autoencoders, chunk by chunk.
// B batch, C channels, F frames, H height, W width
#pragma once

#include <optional>
#include <vector>

#include "models/vae_blocks.h"
#include "specs/specs.h"

namespace models {

// Residual blocks at one size and the resampler that ends them. In the 2.1 network these are
// consecutive entries of one flat list, in the 2.2 network a group with a shortcut around it.
struct DownStage {
  std::vector<ResidualBlock> blocks;
  std::optional<Downsample> downsample;
  int64_t out = 0, time = 1, space = 1;  // width and strides of the whole stage
};

struct Encoder3d {
  Encoder3d(const specs::VaeSpec& spec, Weights from);

  // One chunk of pixels in [-1,1] (2.2: patchified) -> 2*z channels. The first chunk has 4n+1
  // frames, every later one 4n.
  Tensor operator()(const Tensor& x_BCFHW, Stream& stream) const;

  specs::VaeKind kind;
  CausalConv3d conv1;
  std::vector<DownStage> downsamples;
  Middle middle;
  Head head;
};

struct UpStage {
  std::vector<ResidualBlock> blocks;
  std::optional<Upsample> upsample;
  int64_t out = 0, time = 1, space = 1;
};

struct Decoder3d {
  Decoder3d(const specs::VaeSpec& spec, Weights from);

  // One chunk of latents of any length -> pixels (2.2: patchified), not clamped.
  Tensor operator()(const Tensor& x_BCFHW, Stream& stream) const;

  specs::VaeKind kind;
  CausalConv3d conv1;
  Middle middle;
  std::vector<UpStage> upsamples;
  Head head;
};

}  // namespace models
