// SPDX-License-Identifier: Apache-2.0
#include "models/layers.h"

#include <ATen/autocast_mode.h>
#include <torch/types.h>

#include "kernels/ops.h"

namespace models {

Linear::Linear(Weights& from,
               std::string_view name,
               int64_t in,
               int64_t out,
               Bias has_bias,
               Precision precision_)
    : precision(precision_) {
  auto w = from.in(name);
  const bool fp32 = precision == Precision::fp32;
  weight = fp32 ? w.fp32("weight", {out, in}) : w.matrix("weight", {out, in});
  if (has_bias == Bias::yes) bias = fp32 ? w.fp32("bias", {out}) : w.matrix("bias", {out});
}

torch::ScalarType Linear::compute_type() const {
  const auto device = weight.device().type();
  const bool autocast =
      precision == Precision::matrices && at::autocast::is_autocast_enabled(device);
  return autocast ? at::autocast::get_autocast_dtype(device) : weight.scalar_type();
}

Tensor Linear::operator()(const Tensor& x_BLD) const {
  if (precision == Precision::fp32) {
    c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    return torch::linear(x_BLD.to(torch::kFloat32), weight, bias);
  }
  return kernels::linear(x_BLD.to(compute_type()), weight, bias);
}

}  // namespace models
