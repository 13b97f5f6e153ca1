// SPDX-License-Identifier: Apache-2.0
#include "weights/tensor_file.h"

#include <array>
#include <numeric>

#include "base/text.h"

namespace weights {
namespace {

struct DtypeRow {
  Dtype dtype;
  std::string_view name;
  size_t bytes;
};

constexpr std::array<DtypeRow, 12> kDtypes = {{
    {Dtype::f64, "F64", 8},
    {Dtype::f32, "F32", 4},
    {Dtype::f16, "F16", 2},
    {Dtype::bf16, "BF16", 2},
    {Dtype::f8_e4m3, "F8_E4M3", 1},
    {Dtype::f8_e5m2, "F8_E5M2", 1},
    {Dtype::i64, "I64", 8},
    {Dtype::i32, "I32", 4},
    {Dtype::i16, "I16", 2},
    {Dtype::i8, "I8", 1},
    {Dtype::u8, "U8", 1},
    {Dtype::boolean, "BOOL", 1},
}};

const DtypeRow& row_of(Dtype dtype) {
  return kDtypes.at(static_cast<size_t>(dtype));
}

}  // namespace

size_t bytes_per_element(Dtype dtype) {
  return row_of(dtype).bytes;
}

std::string_view name_of(Dtype dtype) {
  return row_of(dtype).name;
}

bool is_floating(Dtype dtype) {
  return dtype <= Dtype::f8_e5m2;
}

std::optional<Dtype> dtype_named(std::string_view name) {
  for (const auto& row : kDtypes) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

int64_t TensorView::elements() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

uint64_t TensorView::stored_bytes() const {
  uint64_t total = bytes.size();
  if (scale != nullptr) total += scale->stored_bytes();
  for (const auto& piece : stacked) total += piece.stored_bytes();
  return total;
}

std::string TensorView::shape_text() const {
  return base::text("[", base::join(shape, ", "), "]");
}

}  // namespace weights
