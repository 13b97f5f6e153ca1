// SPDX-License-Identifier: Apache-2.0
#include "kernels/rms_silu_loops.h"

#include <algorithm>
#include <cmath>

#include "kernels/simd.h"

namespace kernels {
namespace {

// Rows are worked on in blocks, one short loop after the other: with few channels the latency of
// one row's sum, root and division would otherwise be waited for again and again.
constexpr int64_t kMostRows = 64;
constexpr int64_t kBlockElements = 2048;

int64_t block_rows(int64_t channels) {
  return std::clamp<int64_t>(kBlockElements / channels, 1, kMostRows);
}

// sqrt(C) / max(|x|, 1e-12) of every row.
template <typename T>
[[gnu::always_inline]] inline void row_scales(const T* x,
                                              int64_t rows,
                                              int64_t channels,
                                              float* scales) {
  for (int64_t row = 0; row < rows; ++row, x += channels) {
    float square = 0;
#pragma omp simd reduction(+ : square)
    for (int64_t c = 0; c < channels; ++c) {
      const float value = simd::to_float(x[c]);
      square += value * value;
    }
    scales[row] = square;
  }
  const float length = std::sqrt(static_cast<float>(channels));
#pragma omp simd
  for (int64_t row = 0; row < rows; ++row) {
    const float norm = std::sqrt(scales[row]);
    scales[row] = length / (norm > kSmallestChannelNorm ? norm : kSmallestChannelNorm);
  }
}

template <typename T>
[[gnu::always_inline]] inline void forward(const RmsSiluRows<T>& all, int64_t begin, int64_t end) {
  const auto channels = all.channels;
  const auto block = block_rows(channels);
  const float* gamma = all.gamma;
  float scales[kMostRows];
  for (int64_t first = begin; first < end; first += block) {
    const auto rows = std::min(block, end - first);
    const T* x = all.x + first * channels;
    T* y = all.y + first * channels;
    row_scales(x, rows, channels, scales);
    for (int64_t row = 0; row < rows; ++row, x += channels, y += channels) {
      const float scale = scales[row];
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        const float value = simd::to_float(x[c]) * scale * gamma[c];
        y[c] = simd::from_float<T>(value * simd::sigmoid(value));
      }
    }
  }
}

template <typename T>
[[gnu::always_inline]] inline void backward(const RmsSiluRows<T>& all,
                                            int64_t begin,
                                            int64_t end,
                                            float* gamma_gradient,
                                            float* unit_gradient) {
  const auto channels = all.channels;
  const auto block = block_rows(channels);
  const float* gamma = all.gamma;
  float scales[kMostRows];
  for (int64_t first = begin; first < end; first += block) {
    const auto rows = std::min(block, end - first);
    const T* x = all.x + first * channels;
    const T* y_gradient = all.y_gradient + first * channels;
    T* x_gradient = all.x_gradient + first * channels;
    row_scales(x, rows, channels, scales);
    for (int64_t row = 0; row < rows; ++row) {
      const float scale = scales[row];
      float along = 0;  // the part of the gradient that would only lengthen x
#pragma omp simd reduction(+ : along)
      for (int64_t c = 0; c < channels; ++c) {
        const float unit = simd::to_float(x[c]) * scale;
        const float value = unit * gamma[c];
        const float gate = simd::sigmoid(value);
        const float slope = gate * (1 + value * (1 - gate));
        const float gradient = simd::to_float(y_gradient[c]) * slope;
        gamma_gradient[c] += gradient * unit;
        unit_gradient[c] = gradient * gamma[c];
        along += unit_gradient[c] * unit;
      }
      along *= scale / static_cast<float>(channels);
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) {
        const float change = unit_gradient[c] - simd::to_float(x[c]) * along;
        x_gradient[c] = simd::from_float<T>(scale * change);
      }
      x += channels, y_gradient += channels, x_gradient += channels;
    }
  }
}

// The same source compiled for three kinds of machine.
template <typename T>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]] void forward_avx512(
    const RmsSiluRows<T>& rows, int64_t begin, int64_t end) {
  forward(rows, begin, end);
}
template <typename T>
[[gnu::target("avx2,fma")]] void forward_avx2(const RmsSiluRows<T>& rows,
                                              int64_t begin,
                                              int64_t end) {
  forward(rows, begin, end);
}
template <typename T>
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]] void backward_avx512(
    const RmsSiluRows<T>& rows,
    int64_t begin,
    int64_t end,
    float* gamma_gradient,
    float* unit_gradient) {
  backward(rows, begin, end, gamma_gradient, unit_gradient);
}
template <typename T>
[[gnu::target("avx2,fma")]] void backward_avx2(const RmsSiluRows<T>& rows,
                                               int64_t begin,
                                               int64_t end,
                                               float* gamma_gradient,
                                               float* unit_gradient) {
  backward(rows, begin, end, gamma_gradient, unit_gradient);
}

}  // namespace

template <typename T>
void rms_silu_forward(const RmsSiluRows<T>& rows, int64_t begin, int64_t end) {
  switch (simd::level()) {
    case simd::Level::avx512:
      return forward_avx512(rows, begin, end);
    case simd::Level::avx2:
      return forward_avx2(rows, begin, end);
    case simd::Level::any:
      return forward(rows, begin, end);
  }
}

template <typename T>
void rms_silu_backward(const RmsSiluRows<T>& rows,
                       int64_t begin,
                       int64_t end,
                       float* gamma_gradient,
                       float* unit_gradient) {
  switch (simd::level()) {
    case simd::Level::avx512:
      return backward_avx512(rows, begin, end, gamma_gradient, unit_gradient);
    case simd::Level::avx2:
      return backward_avx2(rows, begin, end, gamma_gradient, unit_gradient);
    case simd::Level::any:
      return backward(rows, begin, end, gamma_gradient, unit_gradient);
  }
}

template void rms_silu_forward(const RmsSiluRows<float>&, int64_t, int64_t);
template void rms_silu_forward(const RmsSiluRows<simd::Bf16>&, int64_t, int64_t);
template void rms_silu_backward(const RmsSiluRows<float>&, int64_t, int64_t, float*, float*);
template void rms_silu_backward(const RmsSiluRows<simd::Bf16>&, int64_t, int64_t, float*, float*);

}  // namespace kernels
