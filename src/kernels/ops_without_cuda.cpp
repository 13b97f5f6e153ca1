// SPDX-License-Identifier: Apache-2.0
// A build without CUDA: no kernel fits.
#include "kernels/cuda.h"

namespace kernels::cuda {

Result layer_norm(const Tensor&, const Tensor&, const Tensor&, double, torch::ScalarType) {
  return std::nullopt;
}

Result modulated_layer_norm(const Tensor&,
                            const Tensor&,
                            const Tensor&,
                            const kernels::TokenRows&,
                            double,
                            torch::ScalarType) {
  return std::nullopt;
}

Result add_gated(const Tensor&, const Tensor&, const Tensor&, const kernels::TokenRows&) {
  return std::nullopt;
}

Result rms_norm(const Tensor&, const Tensor&, double) {
  return std::nullopt;
}

Result rms_norm_rope(const Tensor&, const Tensor&, double, int64_t, const Rope&) {
  return std::nullopt;
}

Result rms_silu(const Tensor&, const Tensor&) {
  return std::nullopt;
}

std::string device_name(int) {
  return {};
}

bool is_built() {
  return false;
}

}  // namespace kernels::cuda
