// SPDX-License-Identifier: Apache-2.0
// Every tensor that a network of given dimensions has, by its official name and shape: what a
// checkpoint is checked against before a weight is read, and what an artificial one is made of.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "specs/specs.h"
#include "weights/tensor_file.h"

namespace weights {

struct ExpectedTensor {
  std::string name;
  std::vector<int64_t> shape;
};

// In the order of the official model's construction.
std::vector<ExpectedTensor> tensors_of(const specs::DitSpec& spec);
std::vector<ExpectedTensor> tensors_of(const specs::Umt5Spec& spec);
std::vector<ExpectedTensor> tensors_of(const specs::VaeSpec& spec);
// Without the parts of the file that Wan does not use (text tower, head, last norm).
std::vector<ExpectedTensor> tensors_of(const specs::ClipSpec& spec);

int64_t count_parameters(std::span<const ExpectedTensor> tensors);

// Bytes of the weights as the official repository of the model holds them: transformers and VAE in
// fp32, the text encoder in bf16.
uint64_t published_bytes(const specs::ModelSpec& model);

// Throws Error(invalid) that starts with `origin` and names, all complaints at once, the tensors
// that are missing, left over, of another shape or of no float type.
void check_tensors(const TensorMap& tensors,
                   std::span<const ExpectedTensor> expected,
                   const std::string& origin);

}  // namespace weights
