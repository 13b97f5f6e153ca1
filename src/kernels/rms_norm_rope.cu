// SPDX-License-Identifier: Apache-2.0
// RMS norm of queries and keys over all channels and their rotation: one block per token. A group
// of eight numbers is four pairs of one head, so a thread turns what it has loaded.
#include "kernels/device_rows.h"

namespace kernels::cuda {
namespace {

constexpr int kPairs = kGroup / 2;

// Turns pair (2j, 2j+1) by the angle whose cosine and sine are cos[j] and sin[j].
__device__ inline Group rotated(const Group& x, const float* cos, const float* sin) {
  const float4 cos4 = *reinterpret_cast<const float4*>(cos);
  const float4 sin4 = *reinterpret_cast<const float4*>(sin);
  const float c[kPairs] = {cos4.x, cos4.y, cos4.z, cos4.w};
  const float s[kPairs] = {sin4.x, sin4.y, sin4.z, sin4.w};
  Group result;
#pragma unroll
  for (int j = 0; j < kPairs; ++j) {
    const float a = x.at[2 * j];
    const float b = x.at[2 * j + 1];
    result.at[2 * j] = a * c[j] - b * s[j];
    result.at[2 * j + 1] = a * s[j] + b * c[j];
  }
  return result;
}

template <typename T>
__global__ void rms_norm_kernel(RmsNorm work) {
  __shared__ float squares[kMostWarps];
  const int64_t token = blockIdx.x;
  const int width = static_cast<int>(work.width);
  const int head = static_cast<int>(work.head);
  const T* x = static_cast<const T*>(work.x) + token * work.width;
  T* y = static_cast<T*>(work.y) + token * work.width;

  Group row[kGroupsPerThread];
  float square = 0;
  for_my_groups(width, [&](int i, int channel) {
    row[i] = load(x + channel);
    for (const float value : row[i].at) square += value * value;
  });
  const float mean = block_sum(square, squares) / static_cast<float>(width);
  const float factor = rsqrtf(mean + work.eps);

  for_my_groups(width, [&](int i, int channel) {
    const Group weights = load(work.weight + channel);
    Group result;
#pragma unroll
    for (int c = 0; c < kGroup; ++c) {
      result.at[c] = rounded<T>(row[i].at[c] * factor) * weights.at[c];
    }
    if (work.cos != nullptr) {
      const int64_t angle = token % work.positions * (head / 2) + channel % head / 2;
      result = rotated(result, work.cos + angle, work.sin + angle);
    }
    store(y + channel, result);
  });
}

}  // namespace

cudaError_t launch(const RmsNorm& work, cudaStream_t stream) {
  const auto tokens = static_cast<unsigned>(work.tokens);
  const unsigned threads = threads_for(work.width);
  if (work.type == Element::fp32) {
    rms_norm_kernel<float><<<tokens, threads, 0, stream>>>(work);
  } else {
    rms_norm_kernel<Bf16><<<tokens, threads, 0, stream>>>(work);
  }
  return cudaGetLastError();
}

}  // namespace kernels::cuda
