// SPDX-License-Identifier: Apache-2.0
// How much memory a video will take, computed from the dimensions before anything is loaded, and
// what would fit where it does not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "specs/specs.h"

namespace pipelines {

// One part of the model at work: its weights and, while it runs, what it computes with.
struct MemoryNeed {
  std::string_view part;  // "text encoder", "network", "high-noise network", …
  uint64_t weights = 0;
  uint64_t working = 0;

  uint64_t total() const { return weights + working; }
};

// What is asked of the memory.
struct MemoryRequest {
  specs::ModelSpec model;
  specs::Size size;         // that is computed
  specs::Size output = {};  // of the file; {0, 0}: the same
  int frames = 0;
  int text_rows = 512;      // tokens of the longer prompt, the end token included
  bool is_guided = true;    // two evaluations per step, in one batch where the video is small
  int bytes_per_value = 2;  // of weights and activations: 2 for bf16, 4 for fp32
};

// Parts take turns: each is let go of before the next is loaded, unless all fit together.
struct MemoryPlan {
  std::vector<MemoryNeed> parts;
  uint64_t program = 0;  // what the program itself holds all the time

  // The part that needs most, and the program.
  uint64_t needed() const;
  // The weights of all parts, what the greediest works with, and the program.
  uint64_t needed_together() const;
  const MemoryNeed& largest() const;
  uint64_t weights() const;  // of all parts
};

MemoryPlan plan_memory(const MemoryRequest& request);

// Throws Error(exhausted) where the plan needs more than `available` bytes of `where` ("memory",
// "memory of cuda:0"): it gives both numbers, the part that needs most, and the options that would
// make it fit, as far as there are any.
void check_fits(const MemoryRequest& request, uint64_t available, std::string_view where);

// The changes, one sentence each, that would make a request fit that does not; empty where only
// more memory or another model helps.
std::vector<std::string> what_would_fit(const MemoryRequest& request, uint64_t available);

}  // namespace pipelines
