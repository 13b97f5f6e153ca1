// SPDX-License-Identifier: Apache-2.0
// The adapters of one network in one job.
#pragma once

#include <memory>
#include <vector>

#include "lora/adapter.h"

namespace lora {

struct ScaledAdapter {
  std::shared_ptr<const Adapter> adapter;
  double scale = 1;

  // The same file at the same scale.
  bool operator==(const ScaledAdapter& other) const {
    return adapter->identity == other.adapter->identity && scale == other.scale;
  }
};

// In the order in which they were asked for. What they add is summed.
using AdapterSet = std::vector<ScaledAdapter>;

}  // namespace lora
