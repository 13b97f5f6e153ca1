// SPDX-License-Identifier: Apache-2.0
// Whole generations with tiny networks on the cases of goldens/pipeline; the text encoder's and
// CLIP's results are given.
#include "base/text.h"
#include "parity/configs.h"
#include "pipelines/denoise.h"
#include "pipelines/image_condition.h"

namespace parity {
namespace {

using base::text;
using pipelines::DenoiseInputs;
using pipelines::Experts;
using pipelines::Part;

Outputs seed_noise(const Case& c) {
  Outputs outputs;
  int i = 0;
  for (const auto& draw : c.args.at("draws")) {
    pipelines::Noise noise(draw.at("seed"), torch::kCPU);
    outputs[text("out.noise_", i++)] = noise.draw(draw.at("shape").get<std::vector<int64_t>>());
  }
  return outputs;
}

Experts experts_of(const Case& c) {
  const auto part = [&c](const std::string& file) {
    return Part<models::Dit>([&c, file] { return dit_of(c.config.at("dit"), c.weights(file)); });
  };
  if (!c.args.contains("boundary")) return {.high_noise = part("weights.safetensors")};
  return {.high_noise = part("weights_high_noise.safetensors"),
          .low_noise = part("weights_low_noise.safetensors"),
          .boundary = c.args.at("boundary")};
}

void set_guidance(const Case& c, DenoiseInputs& inputs) {
  if (c.args.at("evaluations_per_step") == 1) return;
  inputs.negative_LC = c.in("context_null");
  const double one = c.args.value("guide_scale", 0.0);
  inputs.guidance_high = c.args.value("guide_scale_high_noise", one);
  inputs.guidance_low = c.args.value("guide_scale_low_noise", one);
}

// The image's part of the inputs, and the size that follows from it; out.image_latent.
specs::Size set_image(const Case& c,
                      const models::Vae& vae,
                      DenoiseInputs& inputs,
                      Outputs& outputs) {
  if (!c.has("image")) return {c.args.at("width"), c.args.at("height")};
  const auto image = c.in("image");
  const specs::Size original{int(image.size(1)), int(image.size(0))};
  const int64_t max_area = c.args.at("max_area");
  if (c.has("clip_features")) inputs.image.clip_IC = c.in("clip_features");
  if (vae.spec.kind == specs::VaeKind::vae22) {
    const auto fit = pipelines::ti2v_fit(original, max_area);
    const auto resized = pipelines::ti2v_image(image, fit).to(c.options.device);
    inputs.image.first_CFHW = pipelines::ti2v_latent(vae, resized);
    outputs["out.image_latent"] = inputs.image.first_CFHW;
    return fit.video;
  }
  const auto size = pipelines::i2v_size(original, max_area);
  const auto resized = pipelines::i2v_image(image, size).to(c.options.device);
  const auto condition = pipelines::i2v_condition(vae, resized, c.args.at("frames"));
  inputs.image.y_CFHW = condition.y();
  outputs["out.image_latent"] = condition.latent_CThw;
  return size;
}

Tensor timesteps(const pipelines::Sampler& sampler) {
  std::vector<double> values;
  for (const auto& step : sampler.steps()) values.push_back(step.timestep);
  return torch::tensor(values, torch::kFloat64);
}

}  // namespace

Outputs run_pipeline(const Case& c) {
  if (c.args.contains("draws")) return seed_noise(c);
  const auto kind =
      c.config.at("vae_kind") == "vae22" ? specs::VaeKind::vae22 : specs::VaeKind::vae21;
  const auto vae = vae_of(c.config.at("vae"), kind, c.weights("weights_vae.safetensors"));
  Outputs outputs;
  DenoiseInputs inputs{.text_LC = c.in("context")};
  set_guidance(c, inputs);
  const auto size = set_image(c, vae, inputs, outputs);
  const int64_t frames = c.args.at("frames");
  const int stride = vae.spec.space_stride();
  inputs.shape_CFHW = {
      vae.spec.z_dim, 1 + (frames - 1) / 4, size.height / stride, size.width / stride};

  const pipelines::Sampler sampler(pipelines::solver_named(c.args.at("sampler").get<std::string>()),
                                   c.args.at("steps").get<int>(),
                                   c.args.at("shift"));
  auto experts = experts_of(c);
  pipelines::Noise noise(c.args.at("seed"), torch::kCPU);
  const auto latent_CFHW = pipelines::denoise(experts, sampler, inputs, noise, {});

  std::vector<Tensor> groups;
  vae.decode(latent_CFHW, [&](const Tensor& frames_CFHW) { groups.push_back(frames_CFHW); });
  outputs["out.latent"] = latent_CFHW;
  outputs["out.video"] = torch::cat(groups, 1);
  outputs["out.timesteps"] = timesteps(sampler);
  return outputs;
}

}  // namespace parity
