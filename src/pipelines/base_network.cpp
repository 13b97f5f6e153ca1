// SPDX-License-Identifier: Apache-2.0
#include "pipelines/base_network.h"

#include "pipelines/load_part.h"

namespace pipelines {

models::Dit BaseNetwork::with(const lora::AdapterSet& adapters, const Progress& progress) {
  if (!base_.empty()) {
    models::Weights weights(base_, part_.origin, placement_);
    weights.merge(adapters);
    return load_part<models::Dit>(part_.spec, weights, progress);
  }
  models::NamedTensors base;
  models::Weights weights(part_.tensors, part_.origin, placement_);
  weights.keep(&base);
  weights.merge(adapters);
  auto network = load_part<models::Dit>(part_.spec, weights, progress);
  base_ = std::move(base);  // only once all of it is there
  return network;
}

}  // namespace pipelines
