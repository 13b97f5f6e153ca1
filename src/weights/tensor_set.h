// SPDX-License-Identifier: Apache-2.0
// One state dict, however many files hold it: a safetensors or .pth file, or shards with or without
// an index.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "weights/tensor_file.h"

namespace weights {

struct TensorSet {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;  // of the safetensors headers
  std::vector<std::filesystem::path> files;
  std::string origin;  // names it in messages: the only file, or the index, or the folder
};

// Files of a folder that belong together; `index` is empty where there is none.
struct TensorFiles {
  std::filesystem::path index;
  std::vector<std::filesystem::path> files;
};

// A file of any known format, told by its content. Throws Error(invalid | not_found).
TensorSet read_tensor_file(const std::filesystem::path& file);

// Reads a set: all shards, checked against the index where there is one. Throws Error(invalid) that
// names the index, the shard and the tensor: a shard outside the folder (it is not opened), an
// absent shard, a tensor that is not where the index says, a tensor in two shards.
TensorSet read_tensor_set(const TensorFiles& files);

// The sets directly in a folder, in order of name. Files of other kinds are passed over, and so is
// x.pth beside x.safetensors.
std::vector<TensorFiles> find_tensor_sets(const std::filesystem::path& folder);

}  // namespace weights
