// SPDX-License-Identifier: Apache-2.0
// What is measured: one network (or the whole pipeline) of a model, on random or given weights.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <torch/types.h>

#include "bench/measure.h"
#include "models/weights.h"
#include "specs/specs.h"

namespace bench {

// Everything a measurement depends on.
struct Setting {
  specs::ModelSpec model;
  specs::Size size;
  int frames = 81;
  int steps = 2;  // of the whole pipeline
  int repeats = 3;
  models::Placement placement;
  std::filesystem::path weights;  // a checkpoint; empty: random numbers scaled by the fan-in
  std::filesystem::path inputs;   // safetensors; empty: random numbers
};

// One kind of operation of a forward.
struct Operation {
  std::string name;
  int64_t count = 0;   // in a forward
  double seconds = 0;  // of one
  double flops = 0;    // of one; 0 where memory decides
  double bytes = 0;    // read and written by one at the least; 0 where arithmetic decides
};

struct Result {
  Timing timing;
  double flops = 0;                   // of one run
  double attention_flops = 0;         // the part of it that is self-attention
  torch::Tensor output;               // of the last run, to compare with a peer's
  std::vector<Operation> operations;  // where they were timed one by one
};

// One forward of the transformer for one sample; the prompt's keys and values are made once,
// before. Inputs: x [C,F,H,W], t [1], context [L,D].
Result run_dit(const Setting& setting);

// The decoder, from latent to frames. Inputs: z [C,F,H,W], normalised.
Result run_vae(const Setting& setting);

// The text encoder. Inputs: ids [L]; 60 tokens without.
Result run_umt5(const Setting& setting);

// Prompt to frames with guidance: two prompts encoded, `steps` steps of two forwards, decoded.
// Inputs: ids, negative_ids. The noise is that of seed 1.
Result run_pipeline(const Setting& setting);

}  // namespace bench
