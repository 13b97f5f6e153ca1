// SPDX-License-Identifier: Apache-2.0
// Looks at a clip of the toy world and says what it shows, without any learned part: nearest
// colours, overlap with shape templates, and the path of the object's mask.
#pragma once

#include <torch/types.h>

#include "toyworld/world.h"

namespace toyworld {

using torch::Tensor;

// What a one-object clip shows. Without an object only the background means anything.
struct Seen {
  bool object = false;
  Concept concept_;
};

// Which parts of a concept a clip got right. For a single frame motion counts as right.
struct Adherence {
  bool colour = false, shape = false, background = false, motion = false;
  bool all() const { return colour && shape && background && motion; }
};

// clip_CFHW: [3, frames, kHeight, kWidth] in -1..1, fp32 on the CPU.
Seen look_at(const Tensor& clip_CFHW);

Adherence check(const Tensor& clip_CFHW, const Concept& wanted);

}  // namespace toyworld
