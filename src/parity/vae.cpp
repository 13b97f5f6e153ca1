// SPDX-License-Identifier: Apache-2.0
// The two video autoencoders: in.video_i -> out.latent_i, in.latent_i -> out.video_i.
#include "models/vae.h"

#include <torch/types.h>

#include "base/text.h"
#include "parity/parity.h"

namespace parity {
namespace {

using base::text;

Tensor decode_all(const models::Vae& vae, const Tensor& latent_ZFHW) {
  std::vector<Tensor> groups;
  vae.decode(latent_ZFHW, [&](const Tensor& frames_CFHW) { groups.push_back(frames_CFHW); });
  return torch::cat(groups, 1);
}

Outputs run_vae(const Case& c, const specs::VaeSpec& spec) {
  const models::Vae vae(spec, c.weights());
  Outputs outputs;
  int i = 0;
  for (const auto& video_CFHW : c.list("video")) {
    outputs[text("out.latent_", i++)] = vae.encode(video_CFHW);
  }
  i = 0;
  for (const auto& latent_ZFHW : c.list("latent")) {
    outputs[text("out.video_", i++)] = decode_all(vae, latent_ZFHW);
  }
  return outputs;
}

}  // namespace

Outputs run_vae21(const Case& c) {
  const int dim = c.config.at("dim");
  return run_vae(c,
                 {.kind = specs::VaeKind::vae21,
                  .dim = dim,
                  .decoder_dim = dim,
                  .z_dim = c.config.at("z_dim")});
}

Outputs run_vae22(const Case& c) {
  return run_vae(c,
                 {.kind = specs::VaeKind::vae22,
                  .dim = c.config.at("dim"),
                  .decoder_dim = c.config.at("dec_dim"),
                  .z_dim = c.config.at("z_dim")});
}

}  // namespace parity
