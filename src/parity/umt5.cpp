// SPDX-License-Identifier: Apache-2.0
// Module umt5: every prompt of the case on its unpadded ids, and all of them as one padded batch.
#include "models/umt5.h"

#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"
#include "parity/parity.h"

namespace parity {
namespace {

specs::Umt5Spec read_spec(const base::Json& config) {
  return {.vocab = config.at("vocab"),
          .dim = config.at("dim"),
          .dim_attn = config.at("dim_attn"),
          .dim_ffn = config.at("dim_ffn"),
          .num_heads = config.at("num_heads"),
          .num_layers = config.at("num_layers"),
          .num_buckets = config.at("num_buckets")};
}

}  // namespace

Outputs run_umt5(const Case& c) {
  const auto from = c.weights();
  const models::Umt5 umt5(read_spec(c.config), from);
  from.finish();

  const auto ids_BL = c.in("ids");
  const auto lengths_B = c.in("mask").sum(1).to(torch::kCPU);
  Outputs outputs;
  for (int64_t i = 0; i < ids_BL.size(0); ++i) {
    const auto length = lengths_B[i].item<int64_t>();
    outputs[base::text("out.context_", i)] = umt5.encode(ids_BL[i].slice(0, 0, length));
  }
  return outputs;
}

}  // namespace parity
