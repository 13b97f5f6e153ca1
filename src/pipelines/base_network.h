// SPDX-License-Identifier: Apache-2.0
// A network whose weights stay in memory as they are, to be given again and again with other
// adapters in it: what the adapters do not change is shared, not copied.
#pragma once

#include "lora/adapter_set.h"
#include "models/dit.h"
#include "models/weights.h"
#include "pipelines/progress.h"
#include "weights/checkpoint.h"

namespace pipelines {

class BaseNetwork {
 public:
  // `part` outlives this. Nothing is read yet.
  BaseNetwork(const weights::DitPart& part, models::Placement placement)
      : part_(part), placement_(placement) {}

  // Reads the weights at the first call, which `progress` is told of. Without adapters it is the
  // base itself, bit for bit, whatever it was given with before.
  models::Dit with(const lora::AdapterSet& adapters, const Progress& progress);

 private:
  const weights::DitPart& part_;
  models::Placement placement_;
  models::NamedTensors base_;
};

}  // namespace pipelines
