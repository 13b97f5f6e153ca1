// SPDX-License-Identifier: Apache-2.0
// The loop from noise to latent that all pipelines share: experts, guidance, solver.
// C channels, F latent frames, H W latent size, L text tokens, I image rows
#pragma once

#include <cstdint>

#include <torch/types.h>

#include "models/dit.h"
#include "pipelines/part.h"
#include "pipelines/progress.h"
#include "pipelines/sampler.h"

namespace pipelines {

// Up to this many tokens both branches of guidance run as one batch: the weights are read once, and
// small matrices are multiplied better. Beyond it the batch only takes memory.
constexpr int64_t kTokensWorthBatching = 4096;

// One network, or two of which the timestep chooses.
struct Experts {
  Part<models::Dit> high_noise;  // the only network where there is one
  Part<models::Dit> low_noise;
  double boundary = 0;  // timesteps >= boundary * 1000 go to high_noise
  Residency residency = Residency::all;

  bool is_high_noise(double timestep) const { return !low_noise || timestep >= boundary * 1000; }
  // Loads on first use; with Residency::one_at_a_time the other one is released before.
  const models::Dit& at(double timestep);
};

// Standard normal noise as the official code draws it: fp32, from a generator of `device` seeded
// with `seed`. The CPU's generator uses the low 32 bits of the seed only, the GPU's gives other
// numbers for the same seed.
class Noise {
 public:
  Noise(uint64_t seed, torch::Device device);
  Tensor draw(torch::IntArrayRef shape);

 private:
  torch::Generator generator_;
};

// What an image adds. All undefined for text to video.
struct ImageCondition {
  Tensor y_CFHW;      // joined behind the channels of the latent (36-channel models)
  Tensor clip_IC;     // CLIP features (models with that branch)
  Tensor first_CFHW;  // latent frame 0, held fixed at timestep 0 (per-token timesteps)
};

struct DenoiseInputs {
  Tensor text_LC;      // features of the prompt
  Tensor negative_LC;  // of the negative prompt; undefined where no step is guided
  ImageCondition image;
  double guidance_high = 1;  // v = negative + guidance * (positive - negative); 1: not guided,
  double guidance_low = 1;   // the negative prompt is then not evaluated
  std::vector<int64_t> shape_CFHW;
};

// The latent [C,F,H,W] in fp32 on the device of the network.
Tensor denoise(Experts& experts,
               const Sampler& sampler,
               const DenoiseInputs& inputs,
               Noise& noise,
               const Progress& progress);

// Timesteps of all tokens [1,L] where latent frame 0 is clean: 0 for its tokens, t for the others.
Tensor first_frame_clean(double timestep, torch::IntArrayRef shape_CFHW);

}  // namespace pipelines
