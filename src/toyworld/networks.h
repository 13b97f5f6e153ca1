// SPDX-License-Identifier: Apache-2.0
// The demo family's networks before training: fresh weights by the official names.
#pragma once

#include "specs/specs.h"
#include "toyworld/state.h"

namespace toyworld {

// fp32 leaves that require gradients, drawn from torch's generator.
NamedTensors new_dit(const specs::DitSpec& spec);
NamedTensors new_umt5(const specs::Umt5Spec& spec);
NamedTensors new_vae(const specs::VaeSpec& spec);

// The same tensors, each copied to the device as a leaf that requires gradients.
NamedTensors as_leaves(const NamedTensors& tensors, torch::Device device);

}  // namespace toyworld
