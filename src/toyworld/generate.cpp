// SPDX-License-Identifier: Apache-2.0
#include "toyworld/generate.h"

#include <torch/types.h>

#include "pipelines/sampler.h"
#include "toyworld/batch.h"

namespace toyworld {

Tensor generate_latents(const std::vector<std::string>& prompts,
                        const models::Umt5& umt5,
                        const Experts& experts,
                        const GenerateSettings& settings) {
  const torch::NoGradGuard no_grad;
  const auto device = umt5.placement.device;
  const auto batch = static_cast<int64_t>(prompts.size());
  auto both = prompts;
  both.resize(prompts.size() * 2);  // the second half is the unconditional branch
  const Tokens tokens = tokenise(both).to(device);
  const auto text_BLD = umt5.encode_batch(tokens.ids_BL, tokens.mask_BL);
  const auto low = experts.low->prepare(text_BLD, tokens.lengths);
  const auto high = experts.high ? experts.high->prepare(text_BLD, tokens.lengths) : low;

  torch::manual_seed(settings.seed);
  const int64_t latent_frames = (settings.frames - 1) / 4 + 1;
  auto x_BCFHW = torch::randn({batch, 16, latent_frames, kHeight / 8, kWidth / 8}).to(device);
  const pipelines::Sampler sampler(pipelines::Solver::euler, settings.steps, settings.shift);
  pipelines::Sampler::History history;
  for (const auto& step : sampler.steps()) {
    const bool noisy = experts.high != nullptr && step.sigma >= settings.boundary;
    const models::Dit& dit = noisy ? *experts.high : *experts.low;
    const auto t_B = torch::full({2 * batch}, step.timestep, x_BCFHW.options());
    const auto v = dit(torch::cat({x_BCFHW, x_BCFHW}), t_B, noisy ? high : low).chunk(2);
    x_BCFHW = sampler.advance(step, x_BCFHW, v[1] + settings.guidance * (v[0] - v[1]), history);
  }
  return x_BCFHW;
}

}  // namespace toyworld
