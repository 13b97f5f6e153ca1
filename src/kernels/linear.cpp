// SPDX-License-Identifier: Apache-2.0
// Matrix products. M rows (tokens), D channels in, E channels out
#include "kernels/cpu.h"
#include "kernels/gemm_loops.h"
#include "kernels/ops.h"
#include "kernels/parallel.h"
#include "kernels/rows_loops.h"

namespace kernels {
namespace {

using c10::BFloat16;

constexpr int64_t kElementsPerTask = 1 << 15;

// Rows of the input that are widened together.
constexpr int64_t kInputRows = 2048;
// What stays in the second-level cache (512 KiB on the smallest machines): a block of the weight of
// 4 panels x 512 channels is 128 KiB, the rows that meet it 192 KiB.
constexpr int64_t kGroupPanels = 4;
constexpr int64_t kGroupColumns = kGroupPanels * kPanelColumns;
constexpr int64_t kBlockDepth = 512;
constexpr int64_t kBlockRows = 96;

void widen_all(const BFloat16* x, float* y, int64_t count) {
  parallel_for(count, kElementsPerTask, [=](int64_t begin, int64_t end) {
    widen(x + begin, y + begin, end - begin);
  });
}

struct Sizes {
  int64_t rows, in, out;
};

// Packs columns e … of the weight, [depth blocks][panels][depth][16].
void pack_group(const BFloat16* weight, Sizes sizes, int64_t e, float* packed) {
  for (int64_t d = 0; d < sizes.in; d += kBlockDepth) {
    const int64_t depth = std::min(kBlockDepth, sizes.in - d);
    for (int64_t panel = 0; panel < kGroupPanels; ++panel, packed += depth * kPanelColumns) {
      const int64_t column = e + panel * kPanelColumns;
      const int64_t columns = std::clamp<int64_t>(sizes.out - column, 0, kPanelColumns);
      pack_panel(weight + column * sizes.in + d, sizes.in, columns, depth, packed);
    }
  }
}

// Columns e … e+63 of all rows of y = x Wᵀ + b.
void multiply_group(
    const float* x, const float* packed, const float* bias, Sizes sizes, int64_t e, BFloat16* y) {
  const int64_t columns = std::min(kGroupColumns, sizes.out - e);
  float sums[kBlockRows * kGroupColumns];
  for (int64_t m = 0; m < sizes.rows; m += kBlockRows) {
    const int64_t rows = std::min(kBlockRows, sizes.rows - m);
    for (int64_t d = 0; d < sizes.in; d += kBlockDepth) {
      multiply_panels({.x = x + m * sizes.in + d,
                       .rows = rows,
                       .group = rows,
                       .group_stride = 0,
                       .row_stride = sizes.in,
                       .panels = packed + d * kGroupColumns,
                       .panel_count = kGroupPanels,
                       .depth = std::min(kBlockDepth, sizes.in - d),
                       .y = sums,
                       .y_stride = kGroupColumns,
                       .add = d > 0});
    }
    for (int64_t i = 0; i < rows; ++i) {
      float* row = sums + i * kGroupColumns;
      if (bias != nullptr) {
        for (int64_t j = 0; j < columns; ++j) row[j] += bias[e + j];
      }
      narrow(row, y + (m + i) * sizes.out + e, columns);
    }
  }
}

// Without instructions for bf16 the library multiplies it at a tenth of the speed of fp32. Products
// of bf16 numbers are exact in fp32, so widening both sides gives the same sums. The weight is
// widened while it is packed, once per 2048 rows, and takes no memory.
Tensor linear_packed(const Tensor& x_BLD, const Tensor& weight_ED, const Tensor& bias_E) {
  const auto x_MD = x_BLD.reshape({-1, x_BLD.size(-1)}).contiguous();
  const int64_t rows = x_MD.size(0);
  const int64_t in = x_MD.size(1);
  const int64_t out = weight_ED.size(0);
  auto shape = x_BLD.sizes().vec();
  shape.back() = out;
  auto y_BLE = torch::empty(shape, x_MD.options());
  const auto fp32 = x_MD.options().dtype(torch::kFloat32);
  const auto x32 = torch::empty({std::min(rows, kInputRows), in}, fp32);
  const auto bias32_E = bias_E.defined() ? bias_E.to(torch::kFloat32).contiguous() : Tensor();
  const auto* bias = bias_E.defined() ? bias32_E.const_data_ptr<float>() : nullptr;
  const auto* weight = weight_ED.const_data_ptr<BFloat16>();
  const auto* x = x32.const_data_ptr<float>();

  for (int64_t m = 0; m < rows; m += kInputRows) {
    const Sizes sizes{.rows = std::min(kInputRows, rows - m), .in = in, .out = out};
    widen_all(
        x_MD.const_data_ptr<BFloat16>() + m * in, x32.mutable_data_ptr<float>(), sizes.rows * in);
    auto* y = y_BLE.mutable_data_ptr<BFloat16>() + m * out;
    const int64_t groups = (out + kGroupColumns - 1) / kGroupColumns;
    parallel_for(groups, 1, [=](int64_t begin, int64_t end) {
      std::vector<float> packed(static_cast<size_t>(in * kGroupColumns));
      for (int64_t e = begin * kGroupColumns; e < end * kGroupColumns; e += kGroupColumns) {
        pack_group(weight, sizes, e, packed.data());
        multiply_group(x, packed.data(), bias, sizes, e, y);
      }
    });
  }
  return y_BLE;
}

}  // namespace

bool is_slow_bf16([[maybe_unused]] std::initializer_list<Tensor> tensors) {
#if defined(__x86_64__)
  static const bool kMultipliesBf16 = __builtin_cpu_supports("avx512bf16");
  return !kMultipliesBf16 && std::ranges::all_of(tensors, [](const Tensor& tensor) {
    return tensor.is_cpu() && tensor.scalar_type() == torch::kBFloat16;
  });
#else
  return false;
#endif
}

Tensor linear(const Tensor& x_BLD, const Tensor& weight_ED, const Tensor& bias_E) {
  const bool slow = is_slow_bf16({x_BLD, weight_ED});
  if (slow && weight_ED.is_contiguous() && is_fast_on_cpu({x_BLD, weight_ED}) && has_gemm_loops()) {
    return linear_packed(x_BLD, weight_ED, bias_E);
  }
  return torch::linear(x_BLD, weight_ED, bias_E);
}

}  // namespace kernels
