// SPDX-License-Identifier: Apache-2.0
// Latents from prompts, many at once: what training looks at to see how far it is. The same
// networks, schedule and guidance as a real generation, by plain Euler steps.
// B batch, C latent channels, F latent frames, H latent rows, W latent columns
#pragma once

#include <string>
#include <vector>

#include "models/dit.h"
#include "models/umt5.h"

namespace toyworld {

using torch::Tensor;

struct GenerateSettings {
  int frames = 1;  // pixel frames, 4n+1
  int steps = 12;
  double shift = 3;
  double guidance = 3;
  double boundary = 0;  // noise level from which `high` is used; 0: `low` alone
  uint64_t seed = 1;
};

// The transformers in use: one, or two experts.
struct Experts {
  const models::Dit* low = nullptr;
  const models::Dit* high = nullptr;
};

// One latent per prompt, [B,16,F,8,14] in fp32. The unconditional branch has the empty prompt.
Tensor generate_latents(const std::vector<std::string>& prompts,
                        const models::Umt5& umt5,
                        const Experts& experts,
                        const GenerateSettings& settings);

}  // namespace toyworld
