// SPDX-License-Identifier: Apache-2.0
// Loops over the channels of one token, and over plain runs of numbers. Instantiated for float and
// c10::BFloat16. Pointers do not overlap unless a comment says so.
#pragma once

#include <cstdint>

#include <c10/util/BFloat16.h>

namespace kernels {

void widen(const c10::BFloat16* x, float* y, int64_t count);
void narrow(const float* x, c10::BFloat16* y, int64_t count);  // to nearest, ties to even

// y = (x - mean) / sqrt(variance + eps) * (offset + scale) + shift.
template <typename T>
struct LayerNormRow {
  const float* x;
  const float* scale;
  const float* shift;
  float offset;
  float eps;
  int64_t width;
  T* y;
};
template <typename T>
void layer_norm_row(const LayerNormRow<T>& row);

// sum = x + y * gate.
template <typename T>
void add_gated_row(const float* x, const T* y, const float* gate, float* sum, int64_t width);

// y = round_to_T(x / sqrt(mean(x²) + eps)) * weight.
template <typename T>
void rms_norm_row(const T* x, const float* weight, float eps, float* y, int64_t width);

// Turns pair j of every head, (row[2j], row[2j+1]), by the angle of cos[j], sin[j]; in place.
void rotate_row(float* row, const float* cos, const float* sin, int64_t heads, int64_t pairs);

// x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x³))) / 2; y may be x.
template <typename T>
void gelu_tanh(const T* x, T* y, int64_t count);

}  // namespace kernels
