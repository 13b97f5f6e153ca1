// SPDX-License-Identifier: Apache-2.0
// What a streamed pass through a causal video network remembers between two chunks of frames.
// B batch, C channels, F frames, H height, W width
#pragma once

#include <unordered_map>

#include <torch/types.h>

namespace models {

using torch::Tensor;

// One pass over one video (or batch of videos). Every causal convolution keeps the last frames of
// its input here, under its own address, so the network itself stays constant and several videos
// can be under way at once. A pass over the whole sequence is a stream of one chunk.
class Stream {
 public:
  // The chunk at hand begins the video; the rules for its frame 0 differ in the time resamplers.
  bool first = true;
  // No chunk follows: nothing needs to be remembered.
  bool last = false;

  static Stream of_one_chunk() { return {.first = true, .last = true}; }

  // x with `frames` frames in front: the last ones `owner` saw, or zeros where it saw none.
  // Remembers the last `frames` of the result for the next call.
  Tensor join(const void* owner, const Tensor& x_BCFHW, int64_t frames);

  // The same in two steps, for whoever can read two pieces: the frames in front, undefined where
  // `owner` saw none, and what is to be remembered.
  Tensor before(const void* owner) const;
  void remember(const void* owner, const Tensor& x_BCFHW, int64_t frames);

  std::unordered_map<const void*, Tensor> history;
  Tensor scratch;  // of kernels::convolve
};

}  // namespace models
