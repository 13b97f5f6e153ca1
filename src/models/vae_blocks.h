// SPDX-License-Identifier: Apache-2.0
// The parts both video autoencoders are made of, under the names of wan/modules/vae2_1.py.
// B batch, C channels, F frames, H height, W width
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <torch/types.h>

#include "models/vae_stream.h"
#include "models/weights.h"

namespace models {

// The weight and bias of a convolution: `name`.weight of this shape [out,in,kernel…], `name`.bias.
struct Kernel {
  Kernel(Weights from, std::string_view name, std::initializer_list<int64_t> shape);

  Tensor weight, bias;
};

// Convolution over time, height and width. Space is padded with zeros on both sides, time only in
// front: frame f sees f-2, f-1 and f where the kernel is three frames long.
struct CausalConv3d : Kernel {
  using Kernel::Kernel;
  // `add` is added to the result where given.
  Tensor operator()(const Tensor& x_BCFHW, Stream& stream, const Tensor& add_BCFHW = {}) const;
};

// RMS norm over channels, SiLU and a convolution, twice, around a shortcut.
struct ResidualBlock {
  ResidualBlock(Weights from, int64_t in, int64_t out);
  Tensor operator()(const Tensor& x_BCFHW, Stream& stream) const;

  Tensor norm1, norm2;                   // residual.0.gamma, residual.3.gamma [C,1,1,1]
  CausalConv3d conv1, conv2;             // residual.2, residual.6
  std::optional<CausalConv3d> shortcut;  // only where the width changes
};

// Self-attention inside each frame: one head as wide as the block.
struct AttentionBlock {
  AttentionBlock(Weights from, int64_t dim);
  Tensor operator()(const Tensor& x_BCFHW) const;

  Tensor norm;  // norm.gamma [C,1,1]
  Kernel to_qkv, proj;
};

enum class Axes { space, space_and_time };

// Halves height and width and, for space_and_time, the frames after the first.
struct Downsample {
  Downsample(Weights from, int64_t dim, Axes axes);
  Tensor operator()(const Tensor& x_BCFHW, Stream& stream) const;

  Kernel resample;  // resample.1
  std::optional<Kernel> time_conv;
};

// Doubles height and width and, for space_and_time, the frames after the first.
struct Upsample {
  Upsample(Weights from, int64_t in, int64_t out, Axes axes);
  Tensor operator()(const Tensor& x_BCFHW, Stream& stream) const;

  Kernel resample;  // resample.1
  std::optional<CausalConv3d> time_conv;
};

// middle.0, middle.1, middle.2 of encoder and decoder.
struct Middle {
  Middle(Weights from, int64_t dim);
  Tensor operator()(const Tensor& x_BCFHW, Stream& stream) const;

  ResidualBlock before;
  AttentionBlock attention;
  ResidualBlock after;
};

// head.0 (RMS norm), SiLU, head.2 (convolution).
struct Head {
  Head(Weights from, int64_t in, int64_t out);
  Tensor operator()(const Tensor& x_BCFHW, Stream& stream) const;

  Tensor norm;
  CausalConv3d conv;
};

}  // namespace models
