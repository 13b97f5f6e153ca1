// SPDX-License-Identifier: Apache-2.0
// Weights with the changes of adapters in them. Source of the formulas: reference/lora.md §1,
// docs/lora.md.
#pragma once

#include <string_view>

#include <torch/types.h>

#include "lora/adapter_set.h"

namespace models {

// The weight and all that the adapters add to it, in fp32 on the weight's device: what is rounded
// is rounded once, by the caller. An adapter at scale 0 adds nothing, so that without any other the
// result has the weight's own bits.
torch::Tensor merged(const torch::Tensor& weight,
                     std::string_view parameter,
                     const lora::AdapterSet& adapters);

}  // namespace models
