// SPDX-License-Identifier: Apache-2.0
// Module clip_vision: the features of all pictures of the case.
#include <torch/types.h>

#include "models/clip.h"
#include "parity/parity.h"

namespace parity {
namespace {

specs::ClipSpec read_spec(const base::Json& config) {
  const int dim = config.at("vision_dim");
  return {.image_size = config.at("image_size"),
          .patch_size = config.at("patch_size"),
          .dim = dim,
          .mlp_dim = dim * config.at("vision_mlp_ratio").get<int>(),
          .num_heads = config.at("vision_heads"),
          .num_layers = config.at("vision_layers"),
          .eps = config.at("norm_eps")};
}

}  // namespace

Outputs run_clip_vision(const Case& c) {
  const auto from = c.weights();
  const models::Clip clip(read_spec(c.config), from);
  from.finish();
  return {{"out.clip_fea", clip.encode(c.list("frame"))}};
}

}  // namespace parity
