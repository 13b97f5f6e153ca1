// SPDX-License-Identifier: Apache-2.0
#include "kernels/winograd_loops.h"

#include <algorithm>

#include "kernels/gemm_loops.h"
#include "kernels/vector8.h"

namespace kernels::winograd {

#if defined(__x86_64__)
namespace {

// The points are 0, ±kA, ±kB, infinity.
constexpr float kA = 0.75f;
constexpr float kB = 1.5f;
constexpr float kA2 = kA * kA;
constexpr float kB2 = kB * kB;

[[gnu::target("avx2,fma"), gnu::always_inline]] inline __m256 all(float x) {
  return _mm256_set1_ps(x);
}

// One dimension of Bᵀ d: v[i] from d[0 … 5], which lie `step` apart.
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void input_line(const __m256* d,
                                                                       int step,
                                                                       __m256 (&v)[kIn]) {
  const auto d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step],
             d5 = d[5 * step];
  const auto even_a = _mm256_fnmadd_ps(all(kB2), d2, d4);
  const auto even_b = _mm256_fnmadd_ps(all(kA2), d2, d4);
  const auto odd_a = _mm256_mul_ps(all(kA), _mm256_fnmadd_ps(all(kB2), d1, d3));
  const auto odd_b = _mm256_mul_ps(all(kB), _mm256_fnmadd_ps(all(kA2), d1, d3));
  v[0] = _mm256_fmadd_ps(all(kA2 * kB2), d0, _mm256_fnmadd_ps(all(kA2 + kB2), d2, d4));
  v[1] = _mm256_add_ps(even_a, odd_a);
  v[2] = _mm256_sub_ps(even_a, odd_a);
  v[3] = _mm256_add_ps(even_b, odd_b);
  v[4] = _mm256_sub_ps(even_b, odd_b);
  v[5] = _mm256_fmadd_ps(all(kA2 * kB2), d1, _mm256_fnmadd_ps(all(kA2 + kB2), d3, d5));
}

// One dimension of Aᵀ m: four outputs from m[0 … 5], which lie `step` apart.
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void output_line(const __m256* m,
                                                                        int step,
                                                                        __m256 (&y)[kOut]) {
  const auto sum_a = _mm256_add_ps(m[step], m[2 * step]);
  const auto sum_b = _mm256_add_ps(m[3 * step], m[4 * step]);
  const auto change_a = _mm256_sub_ps(m[step], m[2 * step]);
  const auto change_b = _mm256_sub_ps(m[3 * step], m[4 * step]);
  y[0] = _mm256_add_ps(m[0], _mm256_add_ps(sum_a, sum_b));
  y[1] = _mm256_fmadd_ps(all(kB), change_b, _mm256_mul_ps(all(kA), change_a));
  y[2] = _mm256_fmadd_ps(all(kB2), sum_b, _mm256_mul_ps(all(kA2), sum_a));
  y[3] = _mm256_fmadd_ps(
      all(kB2 * kB), change_b, _mm256_fmadd_ps(all(kA2 * kA), change_a, m[5 * step]));
}

// One dimension of G g; g[0 … 2] lie `step` apart.
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void weight_line(const __m256* g,
                                                                        int step,
                                                                        __m256 (&u)[kIn]) {
  constexpr float f0 = 1 / (kA2 * kB2);
  constexpr float fa = 1 / (2 * kA2 * (kA2 - kB2));
  constexpr float fb = 1 / (2 * kB2 * (kB2 - kA2));
  const auto g0 = g[0], g1 = g[step], g2 = g[2 * step];
  const auto even_a = _mm256_mul_ps(all(fa), _mm256_fmadd_ps(all(kA2), g2, g0));
  const auto even_b = _mm256_mul_ps(all(fb), _mm256_fmadd_ps(all(kB2), g2, g0));
  u[0] = _mm256_mul_ps(all(f0), g0);
  u[1] = _mm256_fmadd_ps(all(fa * kA), g1, even_a);
  u[2] = _mm256_fnmadd_ps(all(fa * kA), g1, even_a);
  u[3] = _mm256_fmadd_ps(all(fb * kB), g1, even_b);
  u[4] = _mm256_fnmadd_ps(all(fb * kB), g1, even_b);
  u[5] = g2;
}

// Where the 36 pixels of a tile lie; null outside the picture.
template <typename T>
void find_pixels(
    const T* picture, const Tile& tile, int shift, int64_t channels, const T* (&pixels)[kPlaces]) {
  const int64_t source_width = tile.width >> shift;
  for (int64_t i = 0; i < kIn; ++i) {
    const int64_t y = tile.y + i - 1;
    for (int64_t j = 0; j < kIn; ++j) {
      const int64_t x = tile.x + j - 1;
      const bool inside = y >= 0 && y < tile.height && x >= 0 && x < tile.width;
      pixels[i * kIn + j] =
          inside ? picture + ((y >> shift) * source_width + (x >> shift)) * channels : nullptr;
    }
  }
}

template <typename T>
[[gnu::target("avx2,fma")]] void transform_input_avx2(const T* const (&pixels)[kPlaces],
                                                      int64_t channels,
                                                      float* to,
                                                      int64_t stride) {
  for (int64_t c = 0; c < channels; c += 8) {
    __m256 d[kPlaces], columns[kPlaces];
    for (int p = 0; p < kPlaces; ++p) {
      d[p] = pixels[p] == nullptr ? _mm256_setzero_ps() : load8(pixels[p] + c);
    }
    __m256 line[kIn];
    for (int j = 0; j < kIn; ++j) {
      input_line(d + j, kIn, line);
#pragma GCC unroll 6
      for (int i = 0; i < kIn; ++i) columns[i * kIn + j] = line[i];
    }
    for (int i = 0; i < kIn; ++i) {
      input_line(columns + i * kIn, 1, line);
#pragma GCC unroll 6
      for (int j = 0; j < kIn; ++j) store8(to + (i * kIn + j) * stride + c, line[j]);
    }
  }
}

[[gnu::target("avx2,fma")]] void transform_weight_avx2(const float (&g)[9][16],
                                                       float* to,
                                                       int64_t stride) {
  for (int half = 0; half < 16; half += 8) {
    __m256 kernel[9], columns[kIn * 3], line[kIn];
    for (int i = 0; i < 9; ++i) kernel[i] = load8(g[i] + half);
    for (int j = 0; j < 3; ++j) {
      weight_line(kernel + j, 3, line);
#pragma GCC unroll 6
      for (int i = 0; i < kIn; ++i) columns[i * 3 + j] = line[i];
    }
    for (int i = 0; i < kIn; ++i) {
      weight_line(columns + i * 3, 1, line);
#pragma GCC unroll 6
      for (int j = 0; j < kIn; ++j) store8(to + (i * kIn + j) * stride + half, line[j]);
    }
  }
}

// Eight channels of a pixel, or the few that are left.
template <typename T>
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void finish_pixel(__m256 value,
                                                                         const T* add,
                                                                         T* to,
                                                                         int64_t channels) {
  if (channels >= 8) {
    if (add != nullptr) value = _mm256_add_ps(value, load8(add));
    store8(to, value);
    return;
  }
  float values[8];
  store8(values, value);
  for (int64_t c = 0; c < channels; ++c) {
    to[c] = add != nullptr ? values[c] + static_cast<float>(add[c]) : values[c];
  }
}

template <typename T>
[[gnu::target("avx2,fma")]] void transform_output_avx2(const Output<T>& output, const Tile& tile) {
  const int64_t rows = std::min(kOut, tile.height - tile.y);
  const int64_t columns = std::min(kOut, tile.width - tile.x);
  for (int64_t c = 0; c < output.channels; c += 8) {
    __m256 m[kPlaces], half[kOut * kIn], line[kOut];
    for (int p = 0; p < kPlaces; ++p) m[p] = load8(output.products + p * output.stride + c);
    for (int j = 0; j < kIn; ++j) {
      output_line(m + j, kIn, line);
#pragma GCC unroll 4
      for (int i = 0; i < kOut; ++i) half[i * kIn + j] = line[i];
    }
    const auto bias = load8(output.bias + c);
    for (int64_t i = 0; i < rows; ++i) {
      output_line(half + i * kIn, 1, line);
      for (int64_t j = 0; j < columns; ++j) {
        const int64_t at = ((tile.y + i) * tile.width + tile.x + j) * output.channels + c;
        finish_pixel(_mm256_add_ps(line[j], bias),
                     output.add == nullptr ? nullptr : output.add + at,
                     output.picture + at,
                     output.channels - c);
      }
    }
  }
}

}  // namespace

template <typename T>
void transform_input(
    const T* picture, const Tile& tile, int shift, int64_t channels, float* to, int64_t stride) {
  const T* pixels[kPlaces] = {};
  if (picture != nullptr) find_pixels(picture, tile, shift, channels, pixels);
  transform_input_avx2(pixels, channels, to, stride);
}

template <typename T>
void transform_weight(const T* g, int64_t kernel_stride, int64_t count, float* to, int64_t stride) {
  float kernels[9][kPanelColumns] = {};
  for (int64_t j = 0; j < count; ++j) {
    for (int64_t i = 0; i < 9; ++i) kernels[i][j] = static_cast<float>(g[j * kernel_stride + i]);
  }
  transform_weight_avx2(kernels, to, stride);
}

template <typename T>
void transform_output(const Output<T>& output, const Tile& tile) {
  transform_output_avx2(output, tile);
}

#else

template <typename T>
void transform_input(const T*, const Tile&, int, int64_t, float*, int64_t) {}
template <typename T>
void transform_weight(const T*, int64_t, int64_t, float*, int64_t) {}
template <typename T>
void transform_output(const Output<T>&, const Tile&) {}

#endif

template void transform_input(const float*, const Tile&, int, int64_t, float*, int64_t);
template void transform_input(const c10::BFloat16*, const Tile&, int, int64_t, float*, int64_t);
template void transform_weight(const float*, int64_t, int64_t, float*, int64_t);
template void transform_weight(const c10::BFloat16*, int64_t, int64_t, float*, int64_t);
template void transform_output(const Output<float>&, const Tile&);
template void transform_output(const Output<c10::BFloat16>&, const Tile&);

}  // namespace kernels::winograd
