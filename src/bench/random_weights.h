// SPDX-License-Identifier: Apache-2.0
// Weights of any size without a checkpoint: random numbers that keep activations in range, so that
// timings and power draw are those of real weights (zeros run faster).
#pragma once

#include <span>
#include <string>

#include "models/weights.h"
#include "weights/inventory.h"

namespace bench {

// Matrices are normal with deviation 1 / sqrt(fan-in) in placement.matrices, the rest fp32: scales
// one, biases and modulation small. Made on the device, one tensor at a time.
models::Weights random_weights(std::span<const weights::ExpectedTensor> tensors,
                               const std::string& origin,
                               const models::Placement& placement);

}  // namespace bench
