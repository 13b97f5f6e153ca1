// SPDX-License-Identifier: Apache-2.0
// The autoencoder's stage. Its latents are anchored on the linear code (pca.h): the encoder learns
// to give the code, the decoder to draw from the code and later from the encoder's own latents. So
// the transformer, trained on the code, fits the autoencoder whenever either is ready.
#pragma once

#include "specs/specs.h"
#include "toyworld/run.h"

namespace toyworld {

struct VaeSettings {
  std::filesystem::path code;
  std::filesystem::path start_weights;  // empty: fresh
  int frames = 33;        // the network looks far back: short clips do not extrapolate
  int crop = 40;          // px, square; 0: whole frames
  bool skeleton = false;  // without the residual branches (skeleton.h)
  double muon_rate = 0.02, adam_rate = 1e-3;
  double average = 0.995;
  double own_latents = 0;  // share of the steps that decode the encoder's latents, with gradient
  int64_t steps_per_encoding = 3;  // of the other steps, one in so many trains the encoder as well
  int64_t steps_per_look = 250;
  int clips_per_look = 8;
};

// Trains an autoencoder in run.folder until run.steps.
void train_vae(const specs::VaeSpec& spec, const VaeSettings& settings, const RunSettings& run);

}  // namespace toyworld
