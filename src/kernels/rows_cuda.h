// SPDX-License-Identifier: Apache-2.0
// The CUDA kernels as plain C++ sees them: pointers into device memory, sizes and a stream. Nothing
// of torch, so that nvcc compiles a kernel in seconds and shares no ABI with it.
//
// Widths are multiples of eight numbers and every pointer and stride is a multiple of 16 bytes: the
// kernels load eight numbers at a time. Rows follow each other without gaps. A launch returns what
// cudaGetLastError() says; the work itself is asynchronous.
#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

namespace kernels::cuda {

constexpr int kGroup = 8;                // numbers that a thread loads at a time
constexpr int64_t kMostWidth = 32768;    // of a row that one block keeps in registers
constexpr int64_t kMostChannels = 1024;  // of a row that one warp keeps in registers

enum class Element { fp32, bf16 };

// A table of fp32 rows, `stride` numbers apart.
struct Table {
  const float* rows = nullptr;
  int64_t stride = 0;
};

// Token t takes row of[t / tokens_per_entry] of a table; the only row where `of` is null.
struct TableRows {
  const int64_t* of = nullptr;
  int64_t tokens_per_entry = 1;
};

// y = (x - mean) / sqrt(variance + eps) * (offset + scale) + shift, statistics in fp32.
struct LayerNorm {
  const void* x;
  Element x_type;
  void* y;
  Element y_type;
  int64_t tokens;
  int64_t width;
  Table scale, shift;
  TableRows rows;
  float offset;
  float eps;
};
cudaError_t launch(const LayerNorm& work, cudaStream_t stream);

// sum = x + y * gate in fp32.
struct AddGated {
  const float* x;
  const void* y;
  Element y_type;
  float* sum;
  int64_t tokens;
  int64_t width;
  Table gate;
  TableRows rows;
};
cudaError_t launch(const AddGated& work, cudaStream_t stream);

// y = rounded(x / sqrt(mean(x²) + eps)) * weight; then, where cos is given, pair (2j, 2j+1) of each
// head is turned by the angle [position, j], the position being token % positions. `head` is the
// width of a head, a multiple of eight.
struct RmsNorm {
  const void* x;
  void* y;
  Element type;
  int64_t tokens;
  int64_t width;
  const float* weight;
  float eps;
  const float* cos;
  const float* sin;
  int64_t positions;
  int64_t head;
};
cudaError_t launch(const RmsNorm& work, cudaStream_t stream);

// y = silu(x / max(|x|, smallest_norm) * sqrt(channels) * gamma), the norm over the channels of a
// row. At most kMostChannels.
struct RmsSilu {
  const void* x;
  void* y;
  Element type;
  int64_t rows;
  int64_t channels;
  const float* gamma;
  float smallest_norm;
};
cudaError_t launch(const RmsSilu& work, cudaStream_t stream);

}  // namespace kernels::cuda
