// SPDX-License-Identifier: Apache-2.0
// What every weight file comes down to: named, typed, shaped views into mapped bytes. No torch
// here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace weights {

enum class Dtype { f64, f32, f16, bf16, f8_e4m3, f8_e5m2, i64, i32, i16, i8, u8, boolean };

size_t bytes_per_element(Dtype dtype);
std::string_view name_of(Dtype dtype);  // as safetensors spells it: "BF16", "F8_E4M3"
std::optional<Dtype> dtype_named(std::string_view name);  // the inverse; empty if unknown

// One tensor of a file. `file` keeps the mapping alive; `strides` are in elements, empty when the
// tensor is contiguous (all but views of .pth files are).
struct TensorView {
  Dtype dtype = Dtype::f32;
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;
  std::span<const std::byte> bytes;
  std::shared_ptr<const base::MappedFile> file;

  // Quantised weights: the value is the stored number times `scale`, which has one element or the
  // shape [rows, 1]. Null for all others.
  std::shared_ptr<const TensorView> scale;

  // Not empty: the tensor is these, one below the other along the first dimension, and `bytes` is
  // empty. Some layouts store apart what the official one stores as one.
  std::vector<TensorView> stacked;

  int64_t elements() const;
  uint64_t stored_bytes() const;   // of the tensor in its files, scale included
  std::string shape_text() const;  // "[1536, 16, 1, 2, 2]"
};

// Whether numbers of this type are real: what a weight must be.
bool is_floating(Dtype dtype);

// Ordered by name, so that listings and errors are stable.
using TensorMap = std::map<std::string, TensorView, std::less<>>;

}  // namespace weights
