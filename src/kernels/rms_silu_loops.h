// SPDX-License-Identifier: Apache-2.0
// The loops of rms_silu over rows: one row is the contiguous channels of one voxel. Instantiated
// for float and simd::Bf16.
#pragma once

#include <cstdint>

namespace kernels {

constexpr float kSmallestChannelNorm = 1e-12f;

// What one call works on: rows of `channels` values of type T.
template <typename T>
struct RmsSiluRows {
  const T* x;
  const float* gamma;
  int64_t channels;
  T* y;                 // forward: the result
  const T* y_gradient;  // backward: given
  T* x_gradient;        // backward: wanted
};

// Rows begin … end-1.
template <typename T>
void rms_silu_forward(const RmsSiluRows<T>& rows, int64_t begin, int64_t end);

// Adds the gradient of gamma over these rows to gamma_gradient[C]; scratch[C] is overwritten.
template <typename T>
void rms_silu_backward(
    const RmsSiluRows<T>& rows, int64_t begin, int64_t end, float* gamma_gradient, float* scratch);

}  // namespace kernels
