// SPDX-License-Identifier: Apache-2.0
// How often clips show what their prompts say: counts over many prompts.
#pragma once

#include <string>
#include <vector>

#include "toyworld/checker.h"

namespace toyworld {

struct Score {
  int clips = 0;
  int colour = 0, shape = 0, background = 0, motion = 0, all = 0;

  void add(const Adherence& adherence);
  // "64 clips: colour 98 %, shape 91 %, background 100 %, motion 95 %, all 88 %"
  std::string line() const;
};

// The concepts that a score is taken over: the same ones for the same seed.
std::vector<Concept> concepts_to_score(uint64_t seed, int count, Split split);

}  // namespace toyworld
