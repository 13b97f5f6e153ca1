// SPDX-License-Identifier: Apache-2.0
// PyTorch's own serialisation (.pth, .pt): the ZIP form and the one before it. Nothing in the file
// is executed and no tensor is copied. Format and limits: docs/weights.md.
#pragma once

#include <filesystem>
#include <memory>

#include "weights/tensor_file.h"

namespace weights {

// Whether the bytes begin as the form before the ZIP form does.
bool looks_like_legacy_pth(std::span<const std::byte> bytes);

// The state dict in the file: a dict from names to tensors, all of them views into the mapping.
// Throws Error(invalid) that names the file and the storage entry, the tensor or the forbidden name
// at fault.
TensorMap read_pth(const std::shared_ptr<const base::MappedFile>& file);

}  // namespace weights
