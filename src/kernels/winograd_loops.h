// SPDX-License-Identifier: Apache-2.0
// The transforms of a 3x3 convolution that computes 4x4 outputs from 6x6 inputs with 36 products
// instead of 144: y = Aᵀ [(G g Gᵀ) * (Bᵀ d B)] A (Winograd; Lavin and Gray, arXiv 1509.09308). The
// interpolation points are 0, ±3/4, ±3/2 and infinity: in fp32 a third of the error of 0, ±1, ±2,
// and below that of a direct convolution of a thousand channels.
// P place in the transformed tile (36), C channels in, O channels out, channels last throughout.
#pragma once

#include <cstdint>

#include <c10/util/BFloat16.h>

namespace kernels::winograd {

constexpr int64_t kOut = 4;        // outputs along a side of a tile
constexpr int64_t kIn = kOut + 2;  // inputs along a side
constexpr int64_t kPlaces = kIn * kIn;

// Pictures of one size, and where the tile at hand begins.
struct Tile {
  int64_t height, width;  // of the output
  int64_t y, x;           // its first output
};

// d: the picture [h,w,C], zeros around it; `shift` 1 reads a picture of half the size as if every
// pixel were two by two. Null is a picture of zeros. Writes place p of Bᵀ d B at to + p * stride.
template <typename T>
void transform_input(
    const T* picture, const Tile& tile, int shift, int64_t channels, float* to, int64_t stride);

// Sixteen kernels 3x3 of one input channel, kernel j at g + j * kernel_stride, zeros from `count`
// on. Writes place p of G g Gᵀ as sixteen numbers at to + p * stride.
template <typename T>
void transform_weight(const T* g, int64_t kernel_stride, int64_t count, float* to, int64_t stride);

// What becomes of a tile of products, place p at products + p * stride.
template <typename T>
struct Output {
  const float* products;
  int64_t stride;
  const float* bias;  // [channels]
  const T* add;       // a picture to add, or null
  T* picture;         // [height, width, channels]
  int64_t channels;
};
template <typename T>
void transform_output(const Output<T>& output, const Tile& tile);

}  // namespace kernels::winograd
