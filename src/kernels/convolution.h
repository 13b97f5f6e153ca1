// SPDX-License-Identifier: Apache-2.0
// The 3x3 convolutions of a video autoencoder, causal in time where the kernel has several frames.
// B batch, C channels in, O channels out, F frames, T frames of the kernel, H height, W width
#pragma once

#include <torch/types.h>

namespace kernels {

using torch::Tensor;

// What is convolved: the pictures as they are, or doubled.
enum class Sampling { same, twice };

struct Convolution {
  Tensor before_BCFHW;  // the T-1 frames in front of x; undefined: zeros
  Tensor x_BCFHW;
  Tensor weight_OCTHW;  // H = W = 3; x, before and weight have one type
  Tensor bias_O;
  // twice: x is first doubled in height and width, every pixel two by two. T is 1.
  Sampling sampling = Sampling::same;
  Tensor add_BOFHW = {};  // added to the result where given
};

// Frame f of the result sees frames f-T+1 … f, space is padded with zeros: [B,O,F,H,W] in the type
// of x, channels last on the CPU. `scratch` is working memory of the CPU that grows as needed:
// whoever keeps it spares the system the work of finding it again. The second is the plain form of
// the first.
Tensor convolve(const Convolution& convolution, Tensor& scratch);
Tensor convolve_reference(const Convolution& convolution);

// torch::conv3d and torch::conv2d; bf16 is multiplied in fp32 where the CPU has no instructions for
// it.
Tensor conv3d(const Tensor& x_BCFHW,
              const Tensor& weight_OCTHW,
              const Tensor& bias_O,
              torch::IntArrayRef stride = 1,
              torch::IntArrayRef padding = 0);
Tensor conv2d(const Tensor& x_NCHW,
              const Tensor& weight_OCHW,
              const Tensor& bias_O,
              torch::IntArrayRef stride = 1,
              torch::IntArrayRef padding = 0);

}  // namespace kernels
