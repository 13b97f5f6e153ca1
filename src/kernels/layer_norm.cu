// SPDX-License-Identifier: Apache-2.0
// Layer norm with the scale and shift of each token's timestep: one block per token, the row read
// from memory once and kept in registers for the mean, the variance and the result.
#include "kernels/device_rows.h"

namespace kernels::cuda {
namespace {

template <typename In, typename Out>
__global__ void layer_norm_kernel(LayerNorm work) {
  __shared__ float sums[kMostWarps];
  __shared__ float squares[kMostWarps];
  const int64_t token = blockIdx.x;
  const int width = static_cast<int>(work.width);
  const In* x = static_cast<const In*>(work.x) + token * work.width;
  Out* y = static_cast<Out*>(work.y) + token * work.width;
  const float* scale = row_of(work.scale, work.rows, token);
  const float* shift = row_of(work.shift, work.rows, token);

  Group row[kGroupsPerThread];
  float sum = 0;
  for_my_groups(width, [&](int i, int channel) {
    row[i] = load(x + channel);
    for (const float value : row[i].at) sum += value;
  });
  const float mean = block_sum(sum, sums) / static_cast<float>(width);

  float square = 0;
  for_my_groups(width, [&](int i, int) {
    for (const float value : row[i].at) square += (value - mean) * (value - mean);
  });
  const float variance = block_sum(square, squares) / static_cast<float>(width);
  const float factor = rsqrtf(variance + work.eps);

  for_my_groups(width, [&](int i, int channel) {
    const Group scales = load(scale + channel);
    const Group shifts = load(shift + channel);
    Group result;
#pragma unroll
    for (int c = 0; c < kGroup; ++c) {
      const float normed = (row[i].at[c] - mean) * factor;
      result.at[c] = normed * (work.offset + scales.at[c]) + shifts.at[c];
    }
    store(y + channel, result);
  });
}

template <typename In>
void launch_from(const LayerNorm& work, cudaStream_t stream) {
  const auto tokens = static_cast<unsigned>(work.tokens);
  const unsigned threads = threads_for(work.width);
  if (work.y_type == Element::fp32) {
    layer_norm_kernel<In, float><<<tokens, threads, 0, stream>>>(work);
  } else {
    layer_norm_kernel<In, Bf16><<<tokens, threads, 0, stream>>>(work);
  }
}

}  // namespace

cudaError_t launch(const LayerNorm& work, cudaStream_t stream) {
  if (work.x_type == Element::fp32) {
    launch_from<float>(work, stream);
  } else {
    launch_from<Bf16>(work, stream);
  }
  return cudaGetLastError();
}

}  // namespace kernels::cuda
