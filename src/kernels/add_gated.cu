// SPDX-License-Identifier: Apache-2.0
// The gated residual: one block per token, each number read once and written once.
#include "kernels/device_rows.h"

namespace kernels::cuda {
namespace {

template <typename T>
__global__ void add_gated_kernel(AddGated work) {
  const int64_t token = blockIdx.x;
  const int width = static_cast<int>(work.width);
  const float* x = work.x + token * work.width;
  const T* y = static_cast<const T*>(work.y) + token * work.width;
  float* sum = work.sum + token * work.width;
  const float* gate = row_of(work.gate, work.rows, token);

  for_my_groups(width, [&](int, int channel) {
    const Group terms = load(x + channel);
    const Group changes = load(y + channel);
    const Group gates = load(gate + channel);
    Group result;
#pragma unroll
    for (int c = 0; c < kGroup; ++c) {
      result.at[c] = terms.at[c] + changes.at[c] * gates.at[c];
    }
    store(sum + channel, result);
  });
}

}  // namespace

cudaError_t launch(const AddGated& work, cudaStream_t stream) {
  const auto tokens = static_cast<unsigned>(work.tokens);
  const unsigned threads = threads_for(work.width);
  if (work.y_type == Element::fp32) {
    add_gated_kernel<float><<<tokens, threads, 0, stream>>>(work);
  } else {
    add_gated_kernel<Bf16><<<tokens, threads, 0, stream>>>(work);
  }
  return cudaGetLastError();
}

}  // namespace kernels::cuda
