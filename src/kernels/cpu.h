// SPDX-License-Identifier: Apache-2.0
// When the loops of the CPU may take over from ATen.
#pragma once

#include <algorithm>
#include <initializer_list>

#include <torch/types.h>

namespace kernels {

// All on the CPU, and nobody asks for a gradient.
inline bool is_fast_on_cpu(std::initializer_list<torch::Tensor> tensors) {
  return std::ranges::all_of(tensors, [](const torch::Tensor& tensor) {
    return tensor.is_cpu() && !(torch::GradMode::is_enabled() && tensor.requires_grad());
  });
}

// All bf16 on a CPU without instructions that multiply bf16, where the library falls back to code
// that is several times slower than its fp32.
bool is_slow_bf16(std::initializer_list<torch::Tensor> tensors);

}  // namespace kernels
