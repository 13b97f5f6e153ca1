// SPDX-License-Identifier: Apache-2.0
// Layer norm (plain, affine, modulated by the timestep), the gated residual and GELU.
#include "kernels/cpu.h"
#include "kernels/cuda.h"
#include "kernels/ops.h"
#include "kernels/parallel.h"
#include "kernels/rows_loops.h"

namespace kernels {
namespace {

using c10::BFloat16;

constexpr int64_t kElementsPerTask = 1 << 15;

int64_t rows_per_task(int64_t width) {
  return std::max<int64_t>(1, kElementsPerTask / width);
}

bool is_known(torch::ScalarType type) {
  return type == torch::kFloat32 || type == torch::kBFloat16;
}

// The row of every token, [B,T,D]; T = 1 broadcasts over a sample.
Tensor gather(const Tensor& table_UD, const TokenRows& rows) {
  return table_UD.index({rows.index_BT});
}

Tensor layer_norm_reference(const Tensor& x_BLD,
                            const Tensor& weight_D,
                            const Tensor& bias_D,
                            double eps,
                            torch::ScalarType result) {
  return torch::layer_norm(x_BLD.to(torch::kFloat32), {x_BLD.size(-1)}, weight_D, bias_D, eps)
      .to(result);
}

Tensor modulated_layer_norm_reference(const Tensor& x_BLD,
                                      const Tensor& shift_UD,
                                      const Tensor& scale_UD,
                                      const TokenRows& rows,
                                      double eps,
                                      torch::ScalarType result) {
  const auto normed_BLD = layer_norm_reference(x_BLD, {}, {}, eps, torch::kFloat32);
  return torch::addcmul(gather(shift_UD, rows), normed_BLD, gather(scale_UD + 1, rows)).to(result);
}

Tensor add_gated_reference(const Tensor& x_BLD,
                           const Tensor& y_BLD,
                           const Tensor& gate_UD,
                           const TokenRows& rows) {
  return torch::addcmul(
      x_BLD.to(torch::kFloat32), y_BLD.to(torch::kFloat32), gather(gate_UD, rows));
}

// A table of rows of which every token takes one.
struct Table {
  Table(const Tensor& table_UD, const Tensor& index_BT, int64_t tokens)
      : rows(table_UD.stride(1) == 1 ? table_UD : table_UD.contiguous()),
        index(index_BT.contiguous()),
        per_token(index_BT.size(1) > 1),
        tokens_per_sample(tokens) {}

  const float* of(int64_t token) const {
    const int64_t at = per_token ? token : token / tokens_per_sample;
    return rows.const_data_ptr<float>() + index.const_data_ptr<int64_t>()[at] * rows.stride(0);
  }

  Tensor rows, index;
  bool per_token;
  int64_t tokens_per_sample;
};

// What a row of the result is made of; `offset` is 1 where scale is a change from 1.
template <typename T, typename ScaleOf, typename ShiftOf>
Tensor layer_norm_rows(
    const Tensor& x_any, float offset, double eps, ScaleOf scale_of, ShiftOf shift_of) {
  const auto x_BLD = x_any.contiguous();
  Tensor y_BLD =
      torch::empty(x_BLD.sizes(), x_BLD.options().dtype(c10::CppTypeToScalarType<T>::value));
  const int64_t width = x_BLD.size(-1);
  const auto* x = x_BLD.const_data_ptr<float>();
  auto* y = y_BLD.mutable_data_ptr<T>();
  parallel_for(x_BLD.numel() / width, rows_per_task(width), [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) {
      layer_norm_row<T>({.x = x + token * width,
                         .scale = scale_of(token),
                         .shift = shift_of(token),
                         .offset = offset,
                         .eps = static_cast<float>(eps),
                         .width = width,
                         .y = y + token * width});
    }
  });
  return y_BLD;
}

template <typename T>
Tensor add_gated_rows(const Tensor& x_any, const Tensor& y_any, const Table& gates) {
  const auto x_BLD = x_any.contiguous();
  const auto y_BLD = y_any.contiguous();
  auto sum_BLD = torch::empty_like(x_BLD);
  const int64_t width = x_BLD.size(-1);
  const auto* x = x_BLD.const_data_ptr<float>();
  const auto* y = y_BLD.const_data_ptr<T>();
  auto* sum = sum_BLD.mutable_data_ptr<float>();
  parallel_for(x_BLD.numel() / width, rows_per_task(width), [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) {
      const int64_t at = token * width;
      add_gated_row<T>(x + at, y + at, gates.of(token), sum + at, width);
    }
  });
  return sum_BLD;
}

template <typename T>
Tensor gelu_tanh_all(const Tensor& x_any) {
  const auto x = x_any.contiguous();
  auto y = torch::empty_like(x);
  const auto* from = x.const_data_ptr<T>();
  auto* to = y.mutable_data_ptr<T>();
  parallel_for(x.numel(), kElementsPerTask, [=](int64_t begin, int64_t end) {
    gelu_tanh(from + begin, to + begin, end - begin);
  });
  return y;
}

}  // namespace

Tensor layer_norm(const Tensor& x_BLD,
                  const Tensor& weight_D,
                  const Tensor& bias_D,
                  double eps,
                  torch::ScalarType result) {
  if (auto fast = cuda::layer_norm(x_BLD, weight_D, bias_D, eps, result)) return *fast;
  const bool fp32 = x_BLD.scalar_type() == torch::kFloat32;
  if (!fp32 || !is_known(result) || !is_fast_on_cpu({x_BLD, weight_D, bias_D})) {
    return layer_norm_reference(x_BLD, weight_D, bias_D, eps, result);
  }
  const auto weight = weight_D.contiguous();
  const auto bias = bias_D.contiguous();
  const auto scale_of = [&](int64_t) { return weight.const_data_ptr<float>(); };
  const auto shift_of = [&](int64_t) { return bias.const_data_ptr<float>(); };
  return result == torch::kFloat32 ? layer_norm_rows<float>(x_BLD, 0, eps, scale_of, shift_of)
                                   : layer_norm_rows<BFloat16>(x_BLD, 0, eps, scale_of, shift_of);
}

Tensor modulated_layer_norm(const Tensor& x_BLD,
                            const Tensor& shift_UD,
                            const Tensor& scale_UD,
                            const TokenRows& rows,
                            double eps,
                            torch::ScalarType result) {
  if (auto fast = cuda::modulated_layer_norm(x_BLD, shift_UD, scale_UD, rows, eps, result)) {
    return *fast;
  }
  const bool fp32 = x_BLD.scalar_type() == torch::kFloat32;
  if (!fp32 || !is_known(result) || !is_fast_on_cpu({x_BLD, shift_UD, scale_UD})) {
    return modulated_layer_norm_reference(x_BLD, shift_UD, scale_UD, rows, eps, result);
  }
  const Table scales(scale_UD, rows.index_BT, x_BLD.size(1));
  const Table shifts(shift_UD, rows.index_BT, x_BLD.size(1));
  const auto scale_of = [&](int64_t token) { return scales.of(token); };
  const auto shift_of = [&](int64_t token) { return shifts.of(token); };
  return result == torch::kFloat32 ? layer_norm_rows<float>(x_BLD, 1, eps, scale_of, shift_of)
                                   : layer_norm_rows<BFloat16>(x_BLD, 1, eps, scale_of, shift_of);
}

Tensor add_gated(const Tensor& x_BLD,
                 const Tensor& y_BLD,
                 const Tensor& gate_UD,
                 const TokenRows& rows) {
  if (auto fast = cuda::add_gated(x_BLD, y_BLD, gate_UD, rows)) return *fast;
  const bool fp32 = x_BLD.scalar_type() == torch::kFloat32;
  if (!fp32 || !is_known(y_BLD.scalar_type()) || !is_fast_on_cpu({x_BLD, y_BLD, gate_UD})) {
    return add_gated_reference(x_BLD, y_BLD, gate_UD, rows);
  }
  const Table gates(gate_UD, rows.index_BT, x_BLD.size(1));
  return y_BLD.scalar_type() == torch::kFloat32 ? add_gated_rows<float>(x_BLD, y_BLD, gates)
                                                : add_gated_rows<BFloat16>(x_BLD, y_BLD, gates);
}

Tensor gelu_tanh(const Tensor& x) {
  if (!is_known(x.scalar_type()) || !is_fast_on_cpu({x})) return torch::gelu(x, "tanh");
  return x.scalar_type() == torch::kFloat32 ? gelu_tanh_all<float>(x) : gelu_tanh_all<BFloat16>(x);
}

}  // namespace kernels
