// SPDX-License-Identifier: Apache-2.0
// The inner loops of a matrix product in fp32: x [rows, depth] times a weight that is packed into
// panels of sixteen columns. Only where has_gemm_loops().
#pragma once

#include <cstdint>

#include <c10/util/BFloat16.h>

namespace kernels {

constexpr int64_t kPanelColumns = 16;
constexpr int64_t kTileRows = 6;  // 6 x 16 sums, two factors and one row fill 16 registers

// Whether this machine has the instructions (AVX2 with FMA).
bool has_gemm_loops();

// panel[k * 16 + j] = weight[j * stride + k], and 0 where j >= columns.
template <typename T>
void pack_panel(const T* weight, int64_t stride, int64_t columns, int64_t depth, float* panel);

// y = x * panels, or y += with `add`. Row r of x begins at
// x + r / group * group_stride + r % group * row_stride, so that rows may overlap. Rows of y are
// written in sixes: the last ones past `rows` are scratch.
struct PanelProduct {
  const float* x;
  int64_t rows, group, group_stride, row_stride;
  const float* panels;  // [panel_count, depth, 16]
  int64_t panel_count, depth;
  float* y;  // [rows up to a multiple of six, y_stride]
  int64_t y_stride;
  bool add;
};
void multiply_panels(const PanelProduct& product);

inline int64_t whole_tiles(int64_t rows) {
  return (rows + kTileRows - 1) / kTileRows * kTileRows;
}

}  // namespace kernels
