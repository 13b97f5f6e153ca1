// SPDX-License-Identifier: Apache-2.0
#include "kernels/rows_loops.h"

#include <bit>
#include <cmath>

#include "kernels/simd.h"

namespace kernels {
namespace {

using c10::BFloat16;

// Round to bf16 without the branch for NaN that keeps a loop from becoming vector code.
[[gnu::always_inline]] inline uint16_t bf16_bits(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = (bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16;
  const uint32_t nan = (bits >> 16) | 0x40U;
  return static_cast<uint16_t>(x == x ? rounded : nan);
}

[[gnu::always_inline]] inline float load(const float* x) {
  return *x;
}
[[gnu::always_inline]] inline float load(const BFloat16* x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x->x) << 16);
}
[[gnu::always_inline]] inline void store(float* y, float value) {
  *y = value;
}
[[gnu::always_inline]] inline void store(BFloat16* y, float value) {
  y->x = bf16_bits(value);
}
template <typename T>
[[gnu::always_inline]] inline float rounded_to(float value) {
  T stored;
  store(&stored, value);
  return load(&stored);
}

// ── the loops ───────────────────────────────────────────────────────────────────────────────────

[[gnu::always_inline]] inline void widen_loop(const BFloat16* x, float* y, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) y[i] = load(x + i);
}

[[gnu::always_inline]] inline void narrow_loop(const float* x, BFloat16* y, int64_t count) {
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) store(y + i, x[i]);
}

template <typename T>
[[gnu::always_inline]] inline void layer_norm_loop(LayerNormRow<T> row) {
  const auto* x = row.x;
  const auto* scale = row.scale;
  const auto* shift = row.shift;
  auto* y = row.y;
  const float offset = row.offset;
  const int64_t width = row.width;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t c = 0; c < width; ++c) sum += x[c];
  const float mean = sum / static_cast<float>(width);
  float square = 0;
#pragma omp simd reduction(+ : square)
  for (int64_t c = 0; c < width; ++c) square += (x[c] - mean) * (x[c] - mean);
  const float factor = 1 / std::sqrt(square / static_cast<float>(width) + row.eps);
#pragma omp simd
  for (int64_t c = 0; c < width; ++c) {
    store(y + c, (x[c] - mean) * factor * (offset + scale[c]) + shift[c]);
  }
}

template <typename T>
[[gnu::always_inline]] inline void add_gated_loop(
    const float* x, const T* y, const float* gate, float* sum, int64_t width) {
#pragma omp simd
  for (int64_t c = 0; c < width; ++c) sum[c] = x[c] + load(y + c) * gate[c];
}

template <typename T>
[[gnu::always_inline]] inline void rms_norm_loop(
    const T* x, const float* weight, float eps, float* y, int64_t width) {
  float square = 0;
#pragma omp simd reduction(+ : square)
  for (int64_t c = 0; c < width; ++c) square += load(x + c) * load(x + c);
  const float factor = 1 / std::sqrt(square / static_cast<float>(width) + eps);
#pragma omp simd
  for (int64_t c = 0; c < width; ++c) y[c] = rounded_to<T>(load(x + c) * factor) * weight[c];
}

[[gnu::always_inline]] inline void rotate_loop(
    float* row, const float* cos, const float* sin, int64_t heads, int64_t pairs) {
  for (int64_t head = 0; head < heads; ++head) {
    float* channels = row + head * 2 * pairs;
#pragma omp simd
    for (int64_t j = 0; j < pairs; ++j) {
      const float a = channels[2 * j];
      const float b = channels[2 * j + 1];
      channels[2 * j] = a * cos[j] - b * sin[j];
      channels[2 * j + 1] = a * sin[j] + b * cos[j];
    }
  }
}

template <typename T>
[[gnu::always_inline]] inline void gelu_tanh_loop(const T* x, T* y, int64_t count) {
  constexpr float kTwoRootTwoOverPi = 1.5957691216057308f;
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    const float value = load(x + i);
    // (1 + tanh(z)) / 2 = sigmoid(2z).
    const float twice = kTwoRootTwoOverPi * (value + 0.044715f * value * value * value);
    store(y + i, value * simd::sigmoid(twice));
  }
}

// ── the same source compiled for three kinds of machine ─────────────────────────────────────────

template <auto Loop, typename... Arguments>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,fma")]] void run_avx512(Arguments... arguments) {
  Loop(arguments...);
}
template <auto Loop, typename... Arguments>
[[gnu::target("avx2,fma")]] void run_avx2(Arguments... arguments) {
  Loop(arguments...);
}

template <auto Loop, typename... Arguments>
void run(Arguments... arguments) {
  switch (simd::level()) {
    case simd::Level::avx512:
      return run_avx512<Loop>(arguments...);
    case simd::Level::avx2:
      return run_avx2<Loop>(arguments...);
    case simd::Level::any:
      return Loop(arguments...);
  }
}

}  // namespace

void widen(const BFloat16* x, float* y, int64_t count) {
  run<widen_loop>(x, y, count);
}

void narrow(const float* x, BFloat16* y, int64_t count) {
  run<narrow_loop>(x, y, count);
}

template <typename T>
void layer_norm_row(const LayerNormRow<T>& row) {
  run<layer_norm_loop<T>>(row);
}
template void layer_norm_row(const LayerNormRow<float>&);
template void layer_norm_row(const LayerNormRow<BFloat16>&);

template <typename T>
void add_gated_row(const float* x, const T* y, const float* gate, float* sum, int64_t width) {
  run<add_gated_loop<T>>(x, y, gate, sum, width);
}
template void add_gated_row(const float*, const float*, const float*, float*, int64_t);
template void add_gated_row(const float*, const BFloat16*, const float*, float*, int64_t);

template <typename T>
void rms_norm_row(const T* x, const float* weight, float eps, float* y, int64_t width) {
  run<rms_norm_loop<T>>(x, weight, eps, y, width);
}
template void rms_norm_row(const float*, const float*, float, float*, int64_t);
template void rms_norm_row(const BFloat16*, const float*, float, float*, int64_t);

void rotate_row(float* row, const float* cos, const float* sin, int64_t heads, int64_t pairs) {
  run<rotate_loop>(row, cos, sin, heads, pairs);
}

template <typename T>
void gelu_tanh(const T* x, T* y, int64_t count) {
  run<gelu_tanh_loop<T>>(x, y, count);
}
template void gelu_tanh(const float*, float*, int64_t);
template void gelu_tanh(const BFloat16*, BFloat16*, int64_t);

}  // namespace kernels
