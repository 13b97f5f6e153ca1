// SPDX-License-Identifier: Apache-2.0
#include "toyworld/optimizer.h"

#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"

namespace toyworld {
namespace {

Tensor as_matrix(const Tensor& weight) {
  return weight.flatten(1);
}

}  // namespace

Tensor orthogonalised(const Tensor& matrices) {
  // The quintic's coefficients make small singular values grow fastest; it needs no convergence.
  constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315;
  constexpr int kSteps = 5;
  const bool tall = matrices.size(1) > matrices.size(2);
  auto x = tall ? matrices.transpose(1, 2) : matrices;
  // bf16 is enough here and much faster where the machine multiplies it.
  const auto type = x.is_cuda() ? torch::kBFloat16 : torch::kFloat32;
  x = (x / (x.norm(2, {1, 2}, true) + 1e-7)).to(type).contiguous();
  for (int i = 0; i < kSteps; ++i) {
    const auto gram = torch::bmm(x, x.transpose(1, 2));
    x = torch::baddbmm(x, torch::baddbmm(gram, gram, gram, kB, kC), x, kA, 1);
  }
  x = x.to(matrices.scalar_type());
  return tall ? x.transpose(1, 2) : x;
}

Optimizer::Optimizer(const NamedTensors& weights,
                     const std::function<bool(std::string_view)>& by_muon,
                     OptimizerSettings settings)
    : settings_(settings) {
  for (const auto& [name, weight] : weights) {
    Slot slot = {name, weight, torch::zeros_like(weight), {}, torch::zeros_like(weight)};
    slot.by_muon = by_muon(name);
    if (!slot.by_muon) slot.variance = torch::zeros_like(weight);
    slots_.push_back(std::move(slot));
  }
}

void Optimizer::step(double factor) {
  const torch::NoGradGuard no_grad;
  ++steps_;
  step_muon(settings_.muon_rate * factor);
  step_adam(settings_.adam_rate * factor);
  for (auto& slot : slots_) {
    slot.average.lerp_(slot.weight, 1 - settings_.average);
    slot.weight.mutable_grad() = Tensor();
  }
}

// Matrices of one shape are orthogonalised together: one batched product instead of dozens.
void Optimizer::step_muon(double rate) {
  std::map<std::vector<int64_t>, std::vector<Slot*>> groups;
  for (auto& slot : slots_) {
    if (slot.by_muon && slot.weight.grad().defined()) {
      groups[as_matrix(slot.weight).sizes().vec()].push_back(&slot);
    }
  }
  for (const auto& [shape, group] : groups) {
    std::vector<Tensor> directions;
    for (Slot* slot : group) {
      const auto& gradient = slot->weight.grad();
      slot->momentum.lerp_(gradient, 1 - settings_.muon_momentum);
      directions.push_back(as_matrix(gradient.lerp(slot->momentum, settings_.muon_momentum)));
    }
    const auto updates = orthogonalised(torch::stack(directions));
    const double gain = std::sqrt(std::max(1.0, static_cast<double>(shape[0]) / shape[1]));
    for (size_t i = 0; i < group.size(); ++i) {
      auto& weight = group[i]->weight;
      weight.sub_(updates[static_cast<int64_t>(i)].reshape(weight.sizes()), rate * gain);
    }
  }
}

void Optimizer::step_adam(double rate) {
  std::vector<Slot*> moving;
  auto total = torch::zeros({}, slots_.front().weight.options());
  for (auto& slot : slots_) {
    if (slot.by_muon || !slot.weight.grad().defined()) continue;
    moving.push_back(&slot);
    total += slot.weight.grad().square().sum();
  }
  const auto clip = (settings_.clip_norm / (total.sqrt() + 1e-6)).clamp_max(1);
  const double first = 1 - std::pow(settings_.adam_beta1, static_cast<double>(steps_));
  const double second = 1 - std::pow(settings_.adam_beta2, static_cast<double>(steps_));
  for (Slot* slot : moving) {
    const auto gradient = slot->weight.grad() * clip;
    slot->momentum.lerp_(gradient, 1 - settings_.adam_beta1);
    slot->variance.lerp_(gradient.square(), 1 - settings_.adam_beta2);
    const auto denominator = (slot->variance / second).sqrt_().add_(settings_.adam_epsilon);
    slot->weight.addcdiv_(slot->momentum, denominator, -rate / first);
  }
}

NamedTensors Optimizer::average() const {
  const double seen = 1 - std::pow(settings_.average, static_cast<double>(steps_));
  NamedTensors result;
  for (const auto& slot : slots_) {
    result[slot.name] = steps_ == 0 ? slot.weight.detach().clone() : slot.average / seen;
  }
  return result;
}

NamedTensors Optimizer::state() const {
  NamedTensors result;
  for (const auto& slot : slots_) {
    result["weight." + slot.name] = slot.weight.detach();
    result["momentum." + slot.name] = slot.momentum;
    result["average." + slot.name] = slot.average;
    if (slot.variance.defined()) result["variance." + slot.name] = slot.variance;
  }
  result["steps"] = torch::tensor({steps_}, torch::kInt64);
  return result;
}

void Optimizer::load(const NamedTensors& state) {
  const torch::NoGradGuard no_grad;
  const auto take = [&](const std::string& name, Tensor& into) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != into.sizes()) {
      throw base::Error(base::Fault::invalid,
                        base::text("the training state has no ", name, " of shape ", into.sizes()));
    }
    into.copy_(found->second);
  };
  for (auto& slot : slots_) {
    take("weight." + slot.name, slot.weight);
    take("momentum." + slot.name, slot.momentum);
    take("average." + slot.name, slot.average);
    if (slot.variance.defined()) take("variance." + slot.name, slot.variance);
  }
  auto steps = torch::zeros({1}, torch::kInt64);
  take("steps", steps);
  steps_ = steps.item<int64_t>();
}

}  // namespace toyworld
