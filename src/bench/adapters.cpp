// SPDX-License-Identifier: Apache-2.0
#include "bench/adapters.h"

#include "bench/random_weights.h"
#include "lora/adapter_set.h"
#include "models/dit.h"

namespace bench {
namespace {

using torch::Tensor;

constexpr int64_t kRank = 32;

bool is_trained(const weights::ExpectedTensor& tensor) {
  return tensor.name.starts_with("blocks.") && tensor.name.ends_with(".weight") &&
         tensor.shape.size() == 2;
}

weights::TensorView view_of(const Tensor& tensor) {
  weights::TensorView view{.dtype = weights::Dtype::bf16, .shape = tensor.sizes().vec()};
  view.bytes = {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
  return view;
}

// A LoRA as a file of it would be, and what it takes.
struct Made {
  std::shared_ptr<lora::Adapter> adapter = std::make_shared<lora::Adapter>();
  std::vector<Tensor> held;
  double flops = 0;
  double bytes = 0;  // of weights, read once and written once
};

Made make_adapter(const std::vector<weights::ExpectedTensor>& tensors, const Setting& setting) {
  Made made;
  const auto options = torch::dtype(torch::kBFloat16);
  for (const auto& tensor : tensors) {
    if (!is_trained(tensor)) continue;
    const auto out = tensor.shape[0];
    const auto in = tensor.shape[1];
    const auto up = torch::randn({out, kRank}, options);
    const auto down = torch::randn({kRank, in}, options);
    made.held.insert(made.held.end(), {up, down});
    made.adapter->changes[tensor.name] = {
        {lora::LowRank{view_of(down), view_of(up)}, 1, std::nullopt}};
    made.flops += 2.0 * kRank * static_cast<double>(out * in);
    made.bytes += 2.0 * static_cast<double>(out * in) *
                  static_cast<double>(c10::elementSize(setting.placement.matrices));
  }
  return made;
}

models::NamedTensors make_base(const std::vector<weights::ExpectedTensor>& tensors,
                               const Setting& setting) {
  models::NamedTensors base;
  auto weights = random_weights(tensors, "random weights", setting.placement);
  weights.keep(&base);
  const models::Dit dit(setting.model.dit, weights);
  return base;
}

}  // namespace

Result run_adapter_swap(const Setting& setting) {
  torch::InferenceMode guard;
  const auto tensors = weights::tensors_of(setting.model.dit);
  const auto base = make_base(tensors, setting);
  const auto made = make_adapter(tensors, setting);
  Result result{.flops = made.flops};
  result.timing = measure(setting.placement.device, setting.repeats, [&] {
    models::Weights weights(base, "the base", setting.placement);
    weights.merge({{made.adapter, 1}});
    const models::Dit dit(setting.model.dit, weights);
    result.output = dit.blocks.front().self_attn.q.weight;
  });
  const auto count = static_cast<int64_t>(made.adapter->changes.size());
  result.operations = {{.name = "merge of a matrix",
                        .count = count,
                        .seconds = result.timing.median() / static_cast<double>(count),
                        .bytes = made.bytes / static_cast<double>(count)}};
  return result;
}

}  // namespace bench
