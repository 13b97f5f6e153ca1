// SPDX-License-Identifier: Apache-2.0
// The transformer's stages: images, then clips, then the experts. All are the same training on
// another share of the noise levels and another length of clip, each from the stage before.
#pragma once

#include "specs/specs.h"
#include "toyworld/run.h"

namespace toyworld {

struct DitSettings {
  std::filesystem::path text_weights;   // of the text stage
  std::filesystem::path code;           // the linear code (pca.h)
  std::filesystem::path start_weights;  // of the stage before; empty: fresh
  // Another run's from the same start with another seed: two runs of one core each, averaged, are
  // worth about one with twice the batch. Empty: start_weights alone.
  std::filesystem::path mean_with;
  int frames = 1;    // pixel frames of a clip, 4n+1
  double shift = 3;  // of the noise levels drawn, and of the clips looked at
  double lowest_noise = 0, highest_noise = 1;  // an expert's share of the noise levels
  double muon_rate = 0.02, adam_rate = 1e-3;
  double probes = 1;  // weight of the probes' losses beside the network's own
  double average = 0.995;
  int64_t steps_per_look = 500;  // between scores on held-out prompts; 0: none
  int64_t clips_per_look = 48;
};

// Trains a transformer in run.folder until run.steps. Rectified flow: x = (1-s) x0 + s noise, the
// network learns noise - x0.
void train_dit(const specs::ModelSpec& model, const DitSettings& settings, const RunSettings& run);

}  // namespace toyworld
