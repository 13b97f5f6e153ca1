// SPDX-License-Identifier: Apache-2.0
// The dimensions of a network, read off the shapes of its tensors (official names). A config.json
// beside the weights must agree, and says what weights cannot tell: number of heads, eps.
#pragma once

#include <optional>
#include <string>

#include "base/json.h"
#include "specs/specs.h"
#include "weights/tensor_file.h"

namespace weights {

// A config.json of the official or the diffusers form; both forms' keys are known.
struct PartConfig {
  std::string file;
  base::Json json;
};

// Each throws Error(invalid) that starts with `origin` or the config's file and names the tensor
// that is missing or the key that disagrees, with both values. `config` may be null.
specs::DitSpec detect_dit(const TensorMap& tensors,
                          const PartConfig* config,
                          const std::string& origin);
specs::Umt5Spec detect_umt5(const TensorMap& tensors,
                            const PartConfig* config,
                            const std::string& origin);
specs::VaeSpec detect_vae(const TensorMap& tensors,
                          const PartConfig* config,
                          const std::string& origin);
specs::ClipSpec detect_clip(const TensorMap& tensors,
                            const PartConfig* config,
                            const std::string& origin);

}  // namespace weights
