// SPDX-License-Identifier: Apache-2.0
// Loading a part of a model, told in steps.
#pragma once

#include <algorithm>

#include "models/weights.h"
#include "pipelines/progress.h"

namespace pipelines {

// Builds the model from the weights, which it must take whole.
template <typename Model, typename Spec, typename... Use>
Model load_part(const Spec& spec, models::Weights weights, const Progress& progress, Use... use) {
  constexpr int kSteps = 20;  // that a terminal can show
  progress.report(Phase::load, 0, kSteps);
  weights.on_take([&, told = 0](size_t taken, size_t all) mutable {
    // The last step comes at the end: tensors that nobody needs are not taken.
    const int done = std::min(static_cast<int>(taken * kSteps / all), kSteps - 1);
    if (done == told) return;
    told = done;
    progress.report(Phase::load, done, kSteps);
  });
  Model model(spec, weights, use...);
  weights.finish();
  progress.report(Phase::load, kSteps, kSteps);
  return model;
}

}  // namespace pipelines
