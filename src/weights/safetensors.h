// SPDX-License-Identifier: Apache-2.0
// The safetensors format: read with every limit checked before a byte of weights is used, and
// written atomically. Format and limits: docs/weights.md.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "weights/tensor_file.h"

namespace weights {

struct SafetensorsFile {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;  // the header's __metadata__
};

// Maps the file and checks its whole header. Throws Error(invalid) that names the file and, where
// one is at fault, the tensor. Nothing is allocated in proportion to what the header claims.
SafetensorsFile read_safetensors(const std::filesystem::path& file);
SafetensorsFile read_safetensors(const std::shared_ptr<const base::MappedFile>& file);

// What a header says about one tensor.
struct TensorHeader {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;

  uint64_t bytes() const;
};

// Takes the bytes of one tensor, in order, in pieces of any size.
using TensorSink = std::function<void(std::span<const std::byte>)>;
// Gives the bytes of the tensor to the sink: exactly as many as its header says.
using TensorSource = std::function<void(const TensorHeader&, const TensorSink&)>;

using Metadata = std::map<std::string, std::string>;

// Writes the tensors in the order given, without ever holding more than the source does; the file
// appears complete or not at all.
void write_safetensors(const std::filesystem::path& file,
                       std::span<const TensorHeader> tensors,
                       const TensorSource& source,
                       const Metadata& metadata = {});

// The same for tensors at hand, which must be contiguous and not quantised.
void write_safetensors(const std::filesystem::path& file,
                       const TensorMap& tensors,
                       const Metadata& metadata = {});

// The same into a file that the caller finishes and commits.
void write_safetensors(base::FileWriter& out, const TensorMap& tensors, const Metadata& metadata);

std::vector<TensorHeader> headers_of(const TensorMap& tensors);
TensorSource source_of(const TensorMap& tensors);  // `tensors` must outlive it

}  // namespace weights
