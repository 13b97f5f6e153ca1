// SPDX-License-Identifier: Apache-2.0
// Frames of a pipeline as the bytes that files and screens want.
// C colours, F frames, H height, W width
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include <torch/types.h>

namespace pipelines {

// Frames [3,F,H,W] in [-1,1], any device, as rows of red, green, blue bytes [F,H,W,3]:
// (x + 1) / 2 * 255, truncated, as the official code saves them.
torch::Tensor as_rgb(const torch::Tensor& frames_CFHW);

// The same, frame by frame; the bytes hold during the call.
void for_each_frame(const torch::Tensor& frames_CFHW,
                    const std::function<void(std::span<const uint8_t> rgb)>& use);

}  // namespace pipelines
