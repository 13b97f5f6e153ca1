// SPDX-License-Identifier: Apache-2.0
#include <torch/types.h>

#include "kernels/ops.h"

namespace kernels {

Tensor rms_channels(const Tensor& x_BCX, const Tensor& gamma_C) {
  std::vector<int64_t> shape(static_cast<size_t>(x_BCX.dim()), 1);
  shape[1] = x_BCX.size(1);
  // Statistics are fp32 whatever the type of x, fp64 for the tests.
  const auto type = x_BCX.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const auto x = x_BCX.to(type);
  const auto norm = at::linalg_vector_norm(x, 2, at::IntArrayRef{1}, /*keepdim=*/true);
  const auto scale = std::sqrt(static_cast<double>(x.size(1))) / norm.clamp_min(1e-12);
  return (x * scale * gamma_C.reshape(shape).to(type)).to(x_BCX.scalar_type());
}

Tensor rms_silu(const Tensor& x_BCX, const Tensor& gamma_C) {
  return at::silu(rms_channels(x_BCX, gamma_C));
}

}  // namespace kernels
