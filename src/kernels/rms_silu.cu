// SPDX-License-Identifier: Apache-2.0
// RMS norm over the channels of a voxel and SiLU. Rows are short (96 to 1024 channels), so that a
// few neighbouring lanes of a warp share one and their sums stay inside the warp.
#include "kernels/device_rows.h"

namespace kernels::cuda {
namespace {

constexpr int kThreads = 256;
static_assert(kMostChannels == kWarp * kGroupsPerThread * kGroup);

template <typename T, int kLanes>
__global__ void rms_silu_kernel(RmsSilu work) {
  const int lane = static_cast<int>(threadIdx.x) % kLanes;
  const int64_t row = static_cast<int64_t>(blockIdx.x) * (kThreads / kLanes) + threadIdx.x / kLanes;
  // Lanes beyond the last row stay for the sums, and have no channels to work on.
  const int channels = row < work.rows ? static_cast<int>(work.channels) : 0;
  const T* x = static_cast<const T*>(work.x) + row * work.channels;
  T* y = static_cast<T*>(work.y) + row * work.channels;

  Group values[kGroupsPerThread];
  float square = 0;
#pragma unroll
  for (int i = 0; i < kGroupsPerThread; ++i) {
    const int channel = (lane + i * kLanes) * kGroup;
    if (channel >= channels) continue;
    values[i] = load(x + channel);
    for (const float value : values[i].at) square += value * value;
  }
  const float norm = sqrtf(lane_sum<kLanes>(square));
  const float scale = sqrtf(static_cast<float>(work.channels)) / fmaxf(norm, work.smallest_norm);

#pragma unroll
  for (int i = 0; i < kGroupsPerThread; ++i) {
    const int channel = (lane + i * kLanes) * kGroup;
    if (channel >= channels) continue;
    const Group gammas = load(work.gamma + channel);
    Group result;
#pragma unroll
    for (int c = 0; c < kGroup; ++c) {
      const float normed = values[i].at[c] * scale * gammas.at[c];
      result.at[c] = normed / (1.0f + expf(-normed));
    }
    store(y + channel, result);
  }
}

template <typename T, int kLanes>
void launch_lanes(const RmsSilu& work, cudaStream_t stream) {
  constexpr int kRows = kThreads / kLanes;
  const auto blocks = static_cast<unsigned>((work.rows + kRows - 1) / kRows);
  rms_silu_kernel<T, kLanes><<<blocks, kThreads, 0, stream>>>(work);
}

// The fewest lanes, a power of two, that hold a row.
template <typename T, int kLanes = 1>
void launch_as(const RmsSilu& work, cudaStream_t stream) {
  if constexpr (kLanes < kWarp) {
    if (work.channels > kLanes * kGroupsPerThread * kGroup) {
      return launch_as<T, 2 * kLanes>(work, stream);
    }
  }
  launch_lanes<T, kLanes>(work, stream);
}

}  // namespace

cudaError_t launch(const RmsSilu& work, cudaStream_t stream) {
  if (work.type == Element::fp32) {
    launch_as<float>(work, stream);
  } else {
    launch_as<Bf16>(work, stream);
  }
  return cudaGetLastError();
}

}  // namespace kernels::cuda
