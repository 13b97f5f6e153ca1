// SPDX-License-Identifier: Apache-2.0
#include "pipelines/denoise.h"

namespace pipelines {
namespace {

struct Guided {
  const DenoiseInputs& inputs;
  const models::Dit& dit;
  models::Context prompts;  // the positive prompt, then the negative one
};

Guided prepare(const models::Dit& dit, const DenoiseInputs& inputs) {
  const auto device = dit.head.weight.device();
  std::vector<Tensor> texts;
  texts.push_back(inputs.text_LC.to(device));
  if (inputs.negative_LC.defined()) texts.push_back(inputs.negative_LC.to(device));
  std::vector<int64_t> lengths;
  lengths.reserve(texts.size());
  for (const auto& text : texts) lengths.push_back(text.size(0));
  Tensor clip_BIC;
  if (inputs.image.clip_IC.defined()) {
    clip_BIC = inputs.image.clip_IC.to(device).unsqueeze(0).expand({int64_t(texts.size()), -1, -1});
  }
  const auto padding = models::exact_padding(device);
  const auto text_BLC = at::pad_sequence(texts, /*batch_first=*/true);
  return {inputs, dit, dit.prepare(text_BLC, lengths, clip_BIC, padding)};
}

// The positive and, if guided, the negative velocity.
Tensor velocities(const Guided& g,
                  const models::Dit::Start& start,
                  torch::ArrayRef<int64_t> wanted) {
  const bool together = start.x_BLD.size(1) <= kTokensWorthBatching;
  if (together && wanted.size() == size_t(g.prompts.batch())) return g.dit.finish(start, g.prompts);
  std::vector<Tensor> results;
  for (const int64_t i : wanted) results.push_back(g.dit.finish(start, g.prompts.sample(i)));
  return torch::cat(results);
}

Tensor velocity(const Guided& g, const Tensor& latent_CFHW, const Step& step, double guidance) {
  auto x_1CFHW = latent_CFHW.unsqueeze(0);
  const auto& image = g.inputs.image;
  if (image.y_CFHW.defined()) {
    x_1CFHW = torch::cat({x_1CFHW, image.y_CFHW.to(x_1CFHW.device()).unsqueeze(0)}, 1);
  }
  const auto t_BT = image.first_CFHW.defined()
                        ? first_frame_clean(step.timestep, latent_CFHW.sizes())
                        : torch::full({1}, step.timestep, torch::kFloat32);
  const auto start = g.dit.begin(x_1CFHW, t_BT);
  if (guidance == 1) return velocities(g, start, {0})[0];
  const auto both = velocities(g, start, {0, 1});
  return both[1] + guidance * (both[0] - both[1]);
}

void fix_first_frame(Tensor& latent_CFHW, const ImageCondition& image) {
  if (image.first_CFHW.defined()) {
    latent_CFHW = latent_CFHW.clone();
    latent_CFHW.narrow(1, 0, 1).copy_(image.first_CFHW);
  }
}

}  // namespace

const models::Dit& Experts::at(double timestep) {
  const bool high = is_high_noise(timestep);
  if (residency == Residency::one_at_a_time) (high ? low_noise : high_noise).release();
  return (high ? high_noise : low_noise).get();
}

Noise::Noise(uint64_t seed, torch::Device device)
    : generator_(at::globalContext().defaultGenerator(device).clone()) {
  generator_.set_current_seed(seed);
}

Tensor Noise::draw(torch::IntArrayRef shape) {
  return torch::randn(shape, generator_, torch::dtype(torch::kFloat32).device(generator_.device()));
}

Tensor first_frame_clean(double timestep, torch::IntArrayRef shape_CFHW) {
  const int64_t frames = shape_CFHW[1];
  const int64_t tokens = shape_CFHW[2] * shape_CFHW[3] / 4;
  auto t_FL = torch::full({frames, tokens}, timestep, torch::kFloat32);
  t_FL[0].zero_();
  return t_FL.reshape({1, -1});
}

Tensor denoise(Experts& experts,
               const Sampler& sampler,
               const DenoiseInputs& inputs,
               Noise& noise,
               const Progress& progress) {
  experts.at(sampler.steps().front().timestep);
  progress.report(Phase::denoise, 0, sampler.count());
  auto latent_CFHW = noise.draw(inputs.shape_CFHW);
  std::optional<Guided> guided;
  Sampler::History history;  // goes on across the change of expert
  for (const Step& step : sampler.steps()) {
    const auto& dit = experts.at(step.timestep);
    if (!guided || &guided->dit != &dit) {
      guided.reset();
      guided.emplace(prepare(dit, inputs));
      latent_CFHW = latent_CFHW.to(dit.head.weight.device());
    }
    if (step.number == 0) fix_first_frame(latent_CFHW, inputs.image);
    const double guidance =
        experts.is_high_noise(step.timestep) ? inputs.guidance_high : inputs.guidance_low;
    const auto v_CFHW = velocity(*guided, latent_CFHW, step, guidance);
    const auto fresh = sampler.needs_noise(step)
                           ? noise.draw(inputs.shape_CFHW).to(latent_CFHW.device())
                           : Tensor();
    latent_CFHW = sampler.advance(step, latent_CFHW, v_CFHW, history, fresh);
    fix_first_frame(latent_CFHW, inputs.image);
    progress.report(Phase::denoise, step.number + 1, sampler.count());
  }
  return latent_CFHW;
}

}  // namespace pipelines
