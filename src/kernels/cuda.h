// SPDX-License-Identifier: Apache-2.0
// The operations of ops.h as CUDA kernels. Each gives nothing where no kernel fits: another device,
// a type other than fp32 and bf16, a width that is no multiple of eight, a wanted gradient, a build
// without CUDA. The caller then takes the plain form. Implemented in ops_with_cuda.cpp, and in
// ops_without_cuda.cpp for builds that have no CUDA.
#pragma once

#include <optional>
#include <string>

#include <torch/types.h>

#include "kernels/ops.h"

namespace kernels::cuda {

using Result = std::optional<Tensor>;

Result layer_norm(const Tensor& x_BLD,
                  const Tensor& weight_D,
                  const Tensor& bias_D,
                  double eps,
                  torch::ScalarType result);

Result modulated_layer_norm(const Tensor& x_BLD,
                            const Tensor& shift_UD,
                            const Tensor& scale_UD,
                            const kernels::TokenRows& rows,
                            double eps,
                            torch::ScalarType result);

Result add_gated(const Tensor& x_BLD,
                 const Tensor& y_BLD,
                 const Tensor& gate_UD,
                 const kernels::TokenRows& rows);

Result rms_norm(const Tensor& x_BLD, const Tensor& weight_D, double eps);

Result rms_norm_rope(
    const Tensor& x_BLD, const Tensor& weight_D, double eps, int64_t heads, const Rope& rope);

// Channels last, whatever x is.
Result rms_silu(const Tensor& x_BCFHW, const Tensor& gamma);

// "NVIDIA H200"; empty in a build without CUDA.
std::string device_name(int device);

// Whether this build has the kernels.
bool is_built();

}  // namespace kernels::cuda
