// SPDX-License-Identifier: Apache-2.0
// Named tensors on disk: training states and the weights that come out of them.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <torch/types.h>

#include "models/weights.h"

namespace toyworld {

using models::NamedTensors;
using torch::Tensor;

// Writes a safetensors file, complete or not at all. Tensors keep their types.
void save_tensors(const std::filesystem::path& file,
                  const NamedTensors& tensors,
                  const std::map<std::string, std::string>& metadata = {});

// Reads one back; the tensors own their memory.
NamedTensors load_tensors(const std::filesystem::path& file);

}  // namespace toyworld
