// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm_loops.h"

#include <algorithm>

#include "kernels/simd.h"
#include "kernels/vector8.h"

namespace kernels {

bool has_gemm_loops() {
  return simd::level() != simd::Level::any;
}

#if defined(__x86_64__)
namespace {

// Eight rows of eight become eight columns: to[k * 16 + j] = row j at k.
template <typename T>
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void transpose8(const T* from,
                                                                       int64_t stride,
                                                                       float* to) {
  __m256 pairs[8], quads[8];
#pragma GCC unroll 4
  for (int j = 0; j < 8; j += 2) {
    const auto even = load8(from + j * stride);
    const auto odd = load8(from + (j + 1) * stride);
    pairs[j] = _mm256_unpacklo_ps(even, odd);
    pairs[j + 1] = _mm256_unpackhi_ps(even, odd);
  }
#pragma GCC unroll 2
  for (int j = 0; j < 8; j += 4) {
    quads[j] = _mm256_shuffle_ps(pairs[j], pairs[j + 2], 0x44);
    quads[j + 1] = _mm256_shuffle_ps(pairs[j], pairs[j + 2], 0xee);
    quads[j + 2] = _mm256_shuffle_ps(pairs[j + 1], pairs[j + 3], 0x44);
    quads[j + 3] = _mm256_shuffle_ps(pairs[j + 1], pairs[j + 3], 0xee);
  }
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    _mm256_storeu_ps(to + k * kPanelColumns, _mm256_permute2f128_ps(quads[k], quads[k + 4], 0x20));
    _mm256_storeu_ps(to + (k + 4) * kPanelColumns,
                     _mm256_permute2f128_ps(quads[k], quads[k + 4], 0x31));
  }
}

template <typename T>
[[gnu::target("avx2,fma")]] void pack_whole(const T* weight,
                                            int64_t stride,
                                            int64_t depth,
                                            float* panel) {
  for (int64_t k = 0; k + 8 <= depth; k += 8) {
    transpose8(weight + k, stride, panel + k * kPanelColumns);
    transpose8(weight + 8 * stride + k, stride, panel + k * kPanelColumns + 8);
  }
}

// Six rows of x times one panel.
[[gnu::target("avx2,fma")]] void multiply_tile(const float* const (&x)[kTileRows],
                                               const float* panel,
                                               int64_t depth,
                                               float* y,
                                               int64_t y_stride,
                                               bool add) {
  const float *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3], *x4 = x[4], *x5 = x[5];
  __m256 sums[kTileRows][2];
#pragma GCC unroll 6
  for (int i = 0; i < kTileRows; ++i) {
    sums[i][0] = add ? _mm256_loadu_ps(y + i * y_stride) : _mm256_setzero_ps();
    sums[i][1] = add ? _mm256_loadu_ps(y + i * y_stride + 8) : _mm256_setzero_ps();
  }
  for (int64_t k = 0; k < depth; ++k, panel += kPanelColumns) {
    const auto w0 = _mm256_loadu_ps(panel);
    const auto w1 = _mm256_loadu_ps(panel + 8);
    const float* const at[kTileRows] = {x0 + k, x1 + k, x2 + k, x3 + k, x4 + k, x5 + k};
#pragma GCC unroll 6
    for (int i = 0; i < kTileRows; ++i) {
      const auto value = _mm256_broadcast_ss(at[i]);
      sums[i][0] = _mm256_fmadd_ps(value, w0, sums[i][0]);
      sums[i][1] = _mm256_fmadd_ps(value, w1, sums[i][1]);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < kTileRows; ++i) {
    _mm256_storeu_ps(y + i * y_stride, sums[i][0]);
    _mm256_storeu_ps(y + i * y_stride + 8, sums[i][1]);
  }
}

}  // namespace

template <typename T>
void pack_panel(const T* weight, int64_t stride, int64_t columns, int64_t depth, float* panel) {
  const int64_t packed = columns == kPanelColumns ? depth / 8 * 8 : 0;
  if (packed > 0) pack_whole(weight, stride, packed, panel);
  for (int64_t k = packed; k < depth; ++k) {
    for (int64_t j = 0; j < kPanelColumns; ++j) {
      panel[k * kPanelColumns + j] =
          j < columns ? static_cast<float>(weight[j * stride + k]) : 0.0f;
    }
  }
}

void multiply_panels(const PanelProduct& p) {
  for (int64_t r = 0; r < p.rows; r += kTileRows) {
    const float* x[kTileRows];
    for (int64_t i = 0; i < kTileRows; ++i) {
      const int64_t row = std::min(r + i, p.rows - 1);
      x[i] = p.x + row / p.group * p.group_stride + row % p.group * p.row_stride;
    }
    for (int64_t panel = 0; panel < p.panel_count; ++panel) {
      multiply_tile(x,
                    p.panels + panel * p.depth * kPanelColumns,
                    p.depth,
                    p.y + r * p.y_stride + panel * kPanelColumns,
                    p.y_stride,
                    p.add);
    }
  }
}

#else

template <typename T>
void pack_panel(const T*, int64_t, int64_t, int64_t, float*) {}

void multiply_panels(const PanelProduct&) {}

#endif

template void pack_panel(const float*, int64_t, int64_t, int64_t, float*);
template void pack_panel(const c10::BFloat16*, int64_t, int64_t, int64_t, float*);

}  // namespace kernels
