// SPDX-License-Identifier: Apache-2.0
// What the 2.2 autoencoder adds to the 2.1 one: 2x2 patches of pixels and the parameter-free
// shortcuts around every group of blocks. Follows wan/modules/vae2_2.py.
// B batch, C channels, F frames, H height, W width
#pragma once

#include <torch/types.h>

#include "models/vae_stream.h"

namespace models {

// [B,C,F,2h,2w] -> [B,4C,F,h,w]; channel = c*4 + column*2 + row. The column comes first.
Tensor patchify(const Tensor& x_BCFHW);
Tensor unpatchify(const Tensor& x_BCFHW);

// Folds `time` frames x `space` rows x `space` columns into the channels and averages groups of
// them, so that `out` channels remain. A first chunk whose frames do not divide gets zero frames in
// front.
Tensor average_down(const Tensor& x_BCFHW, int64_t out, int64_t time, int64_t space);

// Repeats every channel and unfolds the repetitions into `time` frames x `space` rows x `space`
// columns. The first time-1 frames of the video are dropped.
Tensor duplicate_up(
    const Tensor& x_BCFHW, int64_t out, int64_t time, int64_t space, const Stream& stream);

}  // namespace models
