// SPDX-License-Identifier: Apache-2.0
#include "bench/random_weights.h"

#include <torch/types.h>

namespace bench {
namespace {

// Norm weights of the transformer and the text encoder, and the autoencoder's gammas.
bool is_scale(const weights::ExpectedTensor& tensor) {
  const std::string_view name = tensor.name;
  return name.ends_with(".gamma") || (name.ends_with(".weight") && tensor.shape.size() == 1);
}

torch::Tensor random_tensor(const weights::ExpectedTensor& tensor,
                            const models::Placement& placement) {
  const auto fp32 = torch::TensorOptions().device(placement.device);
  if (is_scale(tensor)) return torch::ones(tensor.shape, fp32);
  if (tensor.shape.size() == 1) return 0.02 * torch::randn(tensor.shape, fp32);
  const auto values = torch::empty(tensor.shape, fp32.dtype(placement.matrices));
  const double fan_in = static_cast<double>(values.numel()) / static_cast<double>(values.size(0));
  return values.normal_(0, 1 / std::sqrt(fan_in));
}

}  // namespace

models::Weights random_weights(std::span<const weights::ExpectedTensor> tensors,
                               const std::string& origin,
                               const models::Placement& placement) {
  torch::manual_seed(1);
  models::NamedTensors named;
  for (const auto& tensor : tensors) named[tensor.name] = random_tensor(tensor, placement);
  return {std::move(named), origin, placement};
}

}  // namespace bench
