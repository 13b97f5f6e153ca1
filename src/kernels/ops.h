// SPDX-License-Identifier: Apache-2.0
// The dozen operations that decide the speed. Each has a plain ATen version (differentiable, any
// device, the reference) and, where it pays, a fast one behind one visible `if` in its own file.
// B batch, L tokens, S keys, N heads, H width of a head, D width
#pragma once

#include <torch/types.h>

namespace kernels {

using torch::Tensor;

}  // namespace kernels
