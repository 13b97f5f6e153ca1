// SPDX-License-Identifier: Apache-2.0
// Muon for matrices inside the networks, AdamW for everything else, and the running average of the
// weights that is what gets shipped.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include <torch/types.h>

#include "toyworld/state.h"

namespace toyworld {

struct OptimizerSettings {
  double muon_rate = 0.02;
  double muon_momentum = 0.95;
  double adam_rate = 1e-3;
  double adam_beta1 = 0.9, adam_beta2 = 0.98;
  double adam_epsilon = 1e-8;
  double clip_norm = 1.0;  // of AdamW's gradients together
  double average = 0.995;  // share the running average keeps in each step
};

// The nearest orthogonal matrix, roughly: five Newton-Schulz steps (Jordan et al., "Muon", 2024) on
// each matrix of [batch, rows, columns]. Singular values end between about 0.7 and 1.2.
Tensor orthogonalised(const Tensor& matrices);

class Optimizer {
 public:
  // `weights` are fp32 leaves that require gradients and are updated in place; `by_muon` says for
  // each name whether it is a matrix (kernels count as [out, rest]) for Muon.
  Optimizer(const NamedTensors& weights,
            const std::function<bool(std::string_view)>& by_muon,
            OptimizerSettings settings);

  // One update with both rates times `factor`, then clears the gradients. A weight without gradient
  // stays as it is.
  void step(double factor);

  // The running average of the weights, corrected for its start.
  NamedTensors average() const;

  // Everything a resumed run needs: weights, momenta, averages, the step count.
  NamedTensors state() const;
  void load(const NamedTensors& state);

  int64_t steps() const { return steps_; }

 private:
  struct Slot {
    std::string name;
    Tensor weight, momentum, variance, average;
    bool by_muon = false;
  };

  void step_muon(double rate);
  void step_adam(double rate);

  std::vector<Slot> slots_;
  OptimizerSettings settings_;
  int64_t steps_ = 0;
};

}  // namespace toyworld
