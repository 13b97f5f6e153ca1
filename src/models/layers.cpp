// SPDX-License-Identifier: Apache-2.0
#include "models/layers.h"

#include <torch/torch.h>

namespace models {

Linear::Linear(Weights& from,
               std::string_view name,
               int64_t in,
               int64_t out,
               Bias has_bias,
               Precision precision) {
  auto w = from.in(name);
  const bool fp32 = precision == Precision::fp32;
  weight = fp32 ? w.fp32("weight", {out, in}) : w.matrix("weight", {out, in});
  if (has_bias == Bias::yes) bias = fp32 ? w.fp32("bias", {out}) : w.matrix("bias", {out});
}

Tensor Linear::operator()(const Tensor& x_BLD) const {
  return torch::linear(x_BLD.to(weight.scalar_type()), weight, bias);
}

}  // namespace models
