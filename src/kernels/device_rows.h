// SPDX-License-Identifier: Apache-2.0
// For .cu files: groups of eight numbers in the registers of a thread, and a row of groups spread
// over the threads of a block. Group g of a row belongs to thread g % blockDim.x, so that
// neighbouring threads load neighbouring memory.
#pragma once

#include <cstdint>

#include "kernels/rows_cuda.h"

namespace kernels::cuda {

constexpr int kWarp = 32;
constexpr int kMostWarps = 32;       // of a block
constexpr int kGroupsPerThread = 4;  // of a row
static_assert(kMostWidth == int64_t{kWarp} * kMostWarps * kGroupsPerThread * kGroup);

using Bf16 = uint16_t;  // as its bits

struct Group {
  float at[kGroup];
};

// ── numbers in memory ───────────────────────────────────────────────────────────────────────────

// Two fp32 numbers, rounded to nearest (ties to even), as one word; `low` has the lower address.
__device__ inline uint32_t narrow(float low, float high) {
  uint32_t word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
}

__device__ inline float widen_low(uint32_t word) {
  return __uint_as_float(word << 16);
}
__device__ inline float widen_high(uint32_t word) {
  return __uint_as_float(word & 0xffff0000U);
}

__device__ inline Group load(const float* x) {
  const float4 a = reinterpret_cast<const float4*>(x)[0];
  const float4 b = reinterpret_cast<const float4*>(x)[1];
  return {{a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w}};
}

__device__ inline Group load(const Bf16* x) {
  const uint4 words = *reinterpret_cast<const uint4*>(x);
  return {{widen_low(words.x),
           widen_high(words.x),
           widen_low(words.y),
           widen_high(words.y),
           widen_low(words.z),
           widen_high(words.z),
           widen_low(words.w),
           widen_high(words.w)}};
}

__device__ inline void store(float* y, const Group& g) {
  reinterpret_cast<float4*>(y)[0] = make_float4(g.at[0], g.at[1], g.at[2], g.at[3]);
  reinterpret_cast<float4*>(y)[1] = make_float4(g.at[4], g.at[5], g.at[6], g.at[7]);
}

__device__ inline void store(Bf16* y, const Group& g) {
  *reinterpret_cast<uint4*>(y) = make_uint4(narrow(g.at[0], g.at[1]),
                                            narrow(g.at[2], g.at[3]),
                                            narrow(g.at[4], g.at[5]),
                                            narrow(g.at[6], g.at[7]));
}

// What a number becomes when it is stored as T and loaded again.
template <typename T>
__device__ inline float rounded(float value);
template <>
__device__ inline float rounded<float>(float value) {
  return value;
}
template <>
__device__ inline float rounded<Bf16>(float value) {
  return widen_low(narrow(value, 0.0f));
}

// ── sums ────────────────────────────────────────────────────────────────────────────────────────

// The sum over each run of kLanes neighbouring lanes of a warp, known to all of them. Every lane of
// the warp must come here.
template <int kLanes>
__device__ inline float lane_sum(float value) {
#pragma unroll
  for (int step = kLanes / 2; step > 0; step /= 2) {
    value += __shfl_xor_sync(0xffffffffU, value, step);
  }
  return value;
}

// The sum over the block, known to all its threads. Each call needs its own `scratch` in shared
// memory. Every thread of the block must come here, and blockDim.x is a multiple of a warp.
__device__ inline float block_sum(float value, float (&scratch)[kMostWarps]) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  value = lane_sum<kWarp>(value);
  if (lane == 0) scratch[warp] = value;
  __syncthreads();
  return lane_sum<kWarp>(lane < warps ? scratch[lane] : 0.0f);
}

// ── a row spread over a block ───────────────────────────────────────────────────────────────────

// Calls work(i, channel) for the groups of the row that are this thread's: i counts them, channel
// is where the group begins.
template <typename Work>
__device__ inline void for_my_groups(int width, Work work) {
#pragma unroll
  for (int i = 0; i < kGroupsPerThread; ++i) {
    const int channel = static_cast<int>(threadIdx.x + i * blockDim.x) * kGroup;
    if (channel < width) work(i, channel);
  }
}

// Threads of a block that together hold one row.
inline unsigned threads_for(int64_t width) {
  const int64_t per_warp = int64_t{kWarp} * kGroupsPerThread * kGroup;
  return static_cast<unsigned>((width + per_warp - 1) / per_warp * kWarp);
}

__device__ inline const float* row_of(const Table& table, const TableRows& rows, int64_t token) {
  const int64_t row = rows.of == nullptr ? 0 : rows.of[token / rows.tokens_per_entry];
  return table.rows + row * table.stride;
}

}  // namespace kernels::cuda
