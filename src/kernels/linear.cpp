// SPDX-License-Identifier: Apache-2.0
// Matrix products. M rows (tokens), D channels in, E channels out
#include "kernels/cpu.h"
#include "kernels/ops.h"
#include "kernels/parallel.h"
#include "kernels/rows_loops.h"

namespace kernels {
namespace {

using c10::BFloat16;

constexpr int64_t kElementsPerTask = 1 << 15;

// Rows of the input that are widened together, and rows of the weight that are multiplied at once:
// large enough for the matrix product, small enough that the widened weight stays near the core.
constexpr int64_t kInputRows = 2048;
constexpr int64_t kWeightRows = 512;

bool multiplies_bf16() {
#if defined(__x86_64__)
  static const bool yes = __builtin_cpu_supports("avx512bf16");
  return yes;
#else
  return true;
#endif
}

void widen_all(const BFloat16* x, float* y, int64_t count) {
  parallel_for(count, kElementsPerTask, [=](int64_t begin, int64_t end) {
    widen(x + begin, y + begin, end - begin);
  });
}

// Without instructions for bf16 the library multiplies it at a tenth of the speed of fp32. Products
// of bf16 numbers are exact in fp32, so widening both sides gives the same sums: the weight a few
// hundred rows at a time, so that it takes no memory.
Tensor linear_widened(const Tensor& x_BLD, const Tensor& weight_ED, const Tensor& bias_E) {
  const auto x_MD = x_BLD.reshape({-1, x_BLD.size(-1)}).contiguous();
  const int64_t rows = x_MD.size(0);
  const int64_t in = x_MD.size(1);
  const int64_t out = weight_ED.size(0);
  auto y_ME = torch::empty({rows, out}, x_MD.options());
  const int64_t input_rows = std::min(rows, kInputRows);
  const int64_t weight_rows = std::min(out, kWeightRows);
  const auto fp32 = x_MD.options().dtype(torch::kFloat32);
  const auto x32 = torch::empty({input_rows, in}, fp32);
  const auto weight32 = torch::empty({weight_rows, in}, fp32);
  const auto y32 = torch::empty({input_rows, weight_rows}, fp32);
  const auto bias32_E = bias_E.defined() ? bias_E.to(torch::kFloat32) : torch::zeros({out}, fp32);
  const auto* x = x_MD.const_data_ptr<BFloat16>();
  const auto* weight = weight_ED.const_data_ptr<BFloat16>();
  auto* y = y_ME.mutable_data_ptr<BFloat16>();

  for (int64_t m = 0; m < rows; m += input_rows) {
    const int64_t some_rows = std::min(input_rows, rows - m);
    const auto x_md = x32.narrow(0, 0, some_rows);
    widen_all(x + m * in, x_md.mutable_data_ptr<float>(), some_rows * in);
    for (int64_t e = 0; e < out; e += weight_rows) {
      const int64_t some_out = std::min(weight_rows, out - e);
      const auto weight_ed = weight32.narrow(0, 0, some_out);
      widen_all(weight + e * in, weight_ed.mutable_data_ptr<float>(), some_out * in);
      auto y_me = y32.narrow(0, 0, some_rows).narrow(1, 0, some_out);
      at::addmm_out(y_me, bias32_E.narrow(0, e, some_out), x_md, weight_ed.t());
      const auto* from = y_me.const_data_ptr<float>();
      parallel_for(some_rows, 64, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          narrow(from + i * weight_rows, y + (m + i) * out + e, some_out);
        }
      });
    }
  }
  auto shape = x_BLD.sizes().vec();
  shape.back() = out;
  return y_ME.view(shape);
}

}  // namespace

Tensor linear(const Tensor& x_BLD, const Tensor& weight_ED, const Tensor& bias_E) {
  const bool bf16 = x_BLD.scalar_type() == torch::kBFloat16 &&
                    weight_ED.scalar_type() == torch::kBFloat16 && weight_ED.is_contiguous();
  if (bf16 && is_fast_on_cpu({x_BLD, weight_ED}) && !multiplies_bf16()) {
    return linear_widened(x_BLD, weight_ED, bias_E);
  }
  return torch::linear(x_BLD, weight_ED, bias_E);
}

}  // namespace kernels
