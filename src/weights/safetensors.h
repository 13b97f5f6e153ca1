// SPDX-License-Identifier: Apache-2.0
// The safetensors format: read with every limit checked before a byte of weights is used, and
// written atomically. Format and limits: docs/weights.md.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "weights/tensor_file.h"

namespace weights {

struct SafetensorsFile {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;  // the header's __metadata__
};

// Maps the file and checks its whole header. Throws Error(invalid) that names the file and, where
// one is at fault, the tensor. Nothing is allocated in proportion to what the header claims.
SafetensorsFile read_safetensors(const std::filesystem::path& file);

// Writes tensors (contiguous) and metadata; the file appears complete or not at all.
void write_safetensors(const std::filesystem::path& file,
                       const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace weights
