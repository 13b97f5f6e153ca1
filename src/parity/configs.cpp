// SPDX-License-Identifier: Apache-2.0
#include "parity/configs.h"

namespace parity {

models::Dit dit_of(const base::Json& config, models::Weights w) {
  specs::DitSpec spec{.dim = config.at("dim"),
                      .ffn_dim = config.at("ffn_dim"),
                      .num_heads = config.at("num_heads"),
                      .num_layers = config.at("num_layers"),
                      .in_dim = config.at("in_dim"),
                      .out_dim = config.at("out_dim"),
                      .freq_dim = config.at("freq_dim"),
                      .text_dim = config.at("text_dim"),
                      .text_len = config.at("text_len"),
                      .cross_attn_norm = config.at("cross_attn_norm"),
                      .eps = config.at("eps")};
  if (w.has("img_emb.proj.0.bias")) spec.clip_dim = config.value("clip_dim", 1280);
  if (w.has("img_emb.emb_pos")) spec.image_tokens = 514;
  models::Dit dit(spec, w);
  w.finish();
  return dit;
}

models::Vae vae_of(const base::Json& config, specs::VaeKind kind, models::Weights w) {
  const int dim = config.at("dim");
  return {{.kind = kind,
           .dim = dim,
           .decoder_dim = config.value("dec_dim", dim),
           .z_dim = config.at("z_dim")},
          std::move(w)};
}

}  // namespace parity
