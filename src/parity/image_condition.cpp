// SPDX-License-Identifier: Apache-2.0
// Sizes, resampling, masks and latents of an input image on the cases of goldens/image_condition.
#include "pipelines/image_condition.h"

#include "base/text.h"
#include "parity/configs.h"
#include "pipelines/denoise.h"

namespace parity {
namespace {

using base::text;
using specs::Size;

Size size_of(const Tensor& image_HWC) {
  return {static_cast<int>(image_HWC.size(1)), static_cast<int>(image_HWC.size(0))};
}

// One row of out.sizes for every row (width, height, max_area) of in.requests.
Outputs sizes(const Case& c, const std::function<std::vector<int64_t>(Size, int64_t)>& row) {
  std::vector<Tensor> rows;
  for (const auto& request : c.in("requests").unbind(0)) {
    const auto value = [&](int64_t i) { return request[i].item<int64_t>(); };
    rows.push_back(torch::tensor(row({int(value(0)), int(value(1))}, value(2))));
  }
  return {{"out.sizes", torch::stack(rows)}};
}

std::vector<int64_t> i2v_row(Size image, int64_t max_area) {
  const auto video = pipelines::i2v_size(image, max_area);
  return {video.width, video.height, video.width / 8, video.height / 8};
}

std::vector<int64_t> ti2v_row(Size image, int64_t max_area) {
  const auto fit = pipelines::ti2v_fit(image, max_area);
  return {
      fit.video.width, fit.video.height, fit.resized.width, fit.resized.height, fit.left, fit.top};
}

Outputs i2v(const Case& c) {
  const auto vae = vae_of(c.config, specs::VaeKind::vae21, c.weights("weights_vae.safetensors"));
  Outputs outputs;
  int i = 0;
  for (const auto& request : c.args.at("requests")) {
    const auto image = c.in(text("image_", i));
    const auto size = pipelines::i2v_size(size_of(image), request.at("max_area"));
    const auto resized = pipelines::i2v_image(image, size);
    const auto condition =
        pipelines::i2v_condition(vae, resized.to(c.options.device), request.at("frames"));
    outputs[text("out.resized_", i)] = resized;
    outputs[text("out.mask_", i)] = condition.mask_4Thw;
    outputs[text("out.latent_", i)] = condition.latent_CThw;
    outputs[text("out.y_", i)] = condition.y();
    ++i;
  }
  return outputs;
}

Outputs ti2v(const Case& c) {
  const auto vae = vae_of(c.config, specs::VaeKind::vae22, c.weights("weights_vae.safetensors"));
  Outputs outputs;
  int i = 0;
  for (const auto& request : c.args.at("requests")) {
    const auto image = c.in(text("image_", i));
    const auto fit = pipelines::ti2v_fit(size_of(image), request.at("max_area"));
    const auto resized = pipelines::ti2v_image(image, fit);
    const auto latent = pipelines::ti2v_latent(vae, resized.to(c.options.device));
    auto start = c.in(text("noise_", i)).clone();
    start.narrow(1, 0, 1).copy_(latent);
    const pipelines::Sampler sampler(pipelines::Solver::unipc, 4, 5.0);
    outputs[text("out.resized_", i)] = resized;
    outputs[text("out.latent_", i)] = latent;
    outputs[text("out.start_", i)] = start;
    outputs[text("out.token_timesteps_", i)] =
        pipelines::first_frame_clean(sampler.steps().front().timestep, start.sizes()).squeeze(0);
    ++i;
  }
  return outputs;
}

}  // namespace

Outputs run_image_condition(const Case& c) {
  const bool two_point_two = c.config.contains("dec_dim") ||
                             c.config.value("vae_stride", std::vector<int>{0, 0, 8})[2] == 16;
  if (c.has("requests")) return sizes(c, two_point_two ? ti2v_row : i2v_row);
  return two_point_two ? ti2v(c) : i2v(c);
}

}  // namespace parity
