// SPDX-License-Identifier: Apache-2.0
#include "models/merge.h"

#include "models/weights.h"

namespace models {
namespace {

Tensor matrix_of(const weights::TensorView& view, torch::Device device) {
  const auto tensor = as_tensor(view).to(device, torch::kFloat32);
  return tensor.dim() < 2 ? tensor.reshape({-1, 1}) : tensor.flatten(1);
}

Tensor product_of(const std::vector<weights::TensorView>& half, torch::Device device) {
  const auto first = matrix_of(half.front(), device);
  return half.size() == 1 ? first : first.matmul(matrix_of(half.back(), device));
}

// What a change is before its factor and its scale, as a matrix.
struct DeltaOf {
  torch::Device device;

  Tensor operator()(const lora::LowRank& pair) const {
    return matrix_of(pair.up, device).matmul(matrix_of(pair.down, device));
  }
  Tensor operator()(const lora::LoHa& form) const {
    const auto first = matrix_of(form.w1_a, device).matmul(matrix_of(form.w1_b, device));
    return first.mul_(matrix_of(form.w2_a, device).matmul(matrix_of(form.w2_b, device)));
  }
  Tensor operator()(const lora::LoKr& form) const {
    return torch::kron(product_of(form.w1, device), product_of(form.w2, device));
  }
  Tensor operator()(const lora::Difference& form) const {
    return as_tensor(form.difference).to(device, torch::kFloat32);
  }
  Tensor operator()(const lora::Replacement&) const {
    throw std::logic_error("a replacement is no difference");
  }
};

// DoRA: the weight and the delta, each row (or column) brought to the length that was learnt.
// LyCORIS and peft, which write such files, take the length of the sum.
Tensor with_magnitude(const Tensor& sum, const weights::TensorView& magnitude) {
  const auto flat = sum.dim() < 2 ? sum.reshape({-1, 1}) : sum.flatten(1);
  auto wanted = as_tensor(magnitude).to(sum.device(), torch::kFloat32);
  wanted = wanted.dim() < 2 ? wanted.reshape({-1, 1}) : wanted.flatten(1);
  const bool is_by_row = wanted.size(0) == flat.size(0) && wanted.size(1) == 1;
  const auto length = flat.norm(2, {is_by_row ? 1 : 0}, /*keepdim=*/true);
  return (flat * (wanted / length)).view_as(sum);
}

void add(Tensor& result, const Tensor& base, const lora::Change& change, double scale) {
  if (const auto* replacement = std::get_if<lora::Replacement>(&change.form)) {
    result.copy_(as_tensor(replacement->weight));
    return;
  }
  const auto delta = std::visit(DeltaOf{base.device()}, change.form).reshape(base.sizes());
  if (!change.magnitude) {
    result.add_(delta, scale * change.factor);
    return;
  }
  const auto changed = with_magnitude(base + change.factor * delta, *change.magnitude);
  result.add_(changed - base, scale);
}

}  // namespace

torch::Tensor merged(const Tensor& weight,
                     std::string_view parameter,
                     const lora::AdapterSet& adapters) {
  const auto base = weight.to(torch::kFloat32);
  Tensor result;
  for (const auto& [adapter, scale] : adapters) {
    const auto changes = adapter->changes.find(parameter);
    if (scale == 0 || changes == adapter->changes.end()) continue;
    if (!result.defined()) result = base.clone();
    for (const auto& change : changes->second) add(result, base, change, scale);
  }
  return result.defined() ? result : weight;
}

}  // namespace models
