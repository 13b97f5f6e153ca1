// SPDX-License-Identifier: Apache-2.0
// The thin callers of the CUDA kernels: whether a kernel fits, memory for the result, the launch.
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"
#include "kernels/cuda.h"
#include "kernels/rms_silu_loops.h"
#include "kernels/rows_cuda.h"

namespace kernels::cuda {
namespace {

std::optional<Element> element_of(torch::ScalarType type) {
  if (type == torch::kFloat32) return Element::fp32;
  if (type == torch::kBFloat16) return Element::bf16;
  return std::nullopt;
}

// x [B,L,D] has a kernel for rows of its width: on a GPU, fp32 or bf16, and not empty.
bool fits(const Tensor& x, int64_t width, int64_t most) {
  return x.is_cuda() && element_of(x.scalar_type()) && x.numel() > 0 && width % kGroup == 0 &&
         width <= most;
}

// What goes with x is on its device and nobody asks for a gradient.
bool belong_together(const Tensor& x, std::initializer_list<Tensor> others) {
  const auto asks = [](const Tensor& tensor) {
    return torch::GradMode::is_enabled() && tensor.requires_grad();
  };
  return !asks(x) && std::ranges::all_of(others, [&](const Tensor& other) {
    return other.defined() && other.device() == x.device() && !asks(other);
  });
}

bool are_fp32(std::initializer_list<Tensor> tensors) {
  return std::ranges::all_of(tensors, [](const Tensor& tensor) {
    return tensor.defined() && tensor.scalar_type() == torch::kFloat32;
  });
}

bool is_aligned(const Tensor& x) {
  return reinterpret_cast<std::uintptr_t>(x.const_data_ptr()) % 16 == 0;
}

// The same numbers without gaps, at an address that the kernels can load from.
Tensor dense(const Tensor& x) {
  const auto gapless = x.contiguous();
  return is_aligned(gapless) ? gapless : gapless.clone();
}

// Rows may be far apart, as those of one of several modulations are.
Tensor dense_rows(const Tensor& table_UD) {
  const bool fine = table_UD.stride(1) == 1 && table_UD.stride(0) % kGroup == 0;
  return fine && is_aligned(table_UD) ? table_UD : dense(table_UD);
}

Table table_of(const Tensor& dense_UD) {
  return {dense_UD.const_data_ptr<float>(), dense_UD.stride(0)};
}

TableRows rows_of(const Tensor& dense_BT, int64_t tokens) {
  return {dense_BT.const_data_ptr<int64_t>(), tokens / dense_BT.numel()};
}

// Runs the kernel behind what the current stream of x's device has to do already.
template <typename Work>
void run(const Work& work, const Tensor& x, const char* name) {
  const c10::cuda::CUDAGuard guard(x.device());
  const auto problem = launch(work, c10::cuda::getCurrentCUDAStream(x.device().index()).stream());
  if (problem == cudaSuccess) return;
  throw base::Error(base::Fault::internal,
                    base::text("CUDA kernel ", name, ": ", cudaGetErrorString(problem)));
}

Tensor layer_norm_rows(const Tensor& x_any,
                       const Tensor& shift_UD,
                       const Tensor& scale_UD,
                       const Tensor& index_BT,
                       float offset,
                       double eps,
                       torch::ScalarType result) {
  const auto x_BLD = dense(x_any);
  const int64_t width = x_BLD.size(-1);
  const int64_t tokens = x_BLD.numel() / width;
  auto y_BLD = torch::empty(x_BLD.sizes(), x_BLD.options().dtype(result));
  const auto index = index_BT.defined() ? index_BT.contiguous() : Tensor();
  run(LayerNorm{.x = x_BLD.const_data_ptr(),
                .x_type = *element_of(x_BLD.scalar_type()),
                .y = y_BLD.mutable_data_ptr(),
                .y_type = *element_of(result),
                .tokens = tokens,
                .width = width,
                .scale = table_of(scale_UD),
                .shift = table_of(shift_UD),
                .rows = index.defined() ? rows_of(index, tokens) : TableRows{},
                .offset = offset,
                .eps = static_cast<float>(eps)},
      x_BLD,
      "layer_norm");
  return y_BLD;
}

// rms_norm, and the rotation where `rope` is given.
Tensor rms_norm_rows(
    const Tensor& x_any, const Tensor& weight_D, double eps, int64_t head, const Rope* rope) {
  const auto x_BLD = dense(x_any);
  const auto weight = dense(weight_D);
  const auto cos = rope != nullptr ? dense(rope->cos_LP) : Tensor();
  const auto sin = rope != nullptr ? dense(rope->sin_LP) : Tensor();
  auto y_BLD = torch::empty_like(x_BLD);
  const int64_t width = x_BLD.size(-1);
  run(RmsNorm{.x = x_BLD.const_data_ptr(),
              .y = y_BLD.mutable_data_ptr(),
              .type = *element_of(x_BLD.scalar_type()),
              .tokens = x_BLD.numel() / width,
              .width = width,
              .weight = weight.const_data_ptr<float>(),
              .eps = static_cast<float>(eps),
              .cos = cos.defined() ? cos.const_data_ptr<float>() : nullptr,
              .sin = sin.defined() ? sin.const_data_ptr<float>() : nullptr,
              .positions = cos.defined() ? cos.size(0) : 1,
              .head = head},
      x_BLD,
      "rms_norm");
  return y_BLD;
}

}  // namespace

Result layer_norm(const Tensor& x_BLD,
                  const Tensor& weight_D,
                  const Tensor& bias_D,
                  double eps,
                  torch::ScalarType result) {
  if (!fits(x_BLD, x_BLD.size(-1), kMostWidth) || !element_of(result) ||
      !are_fp32({weight_D, bias_D}) || !belong_together(x_BLD, {weight_D, bias_D})) {
    return std::nullopt;
  }
  const auto scale_1D = dense(weight_D).unsqueeze(0);
  const auto shift_1D = dense(bias_D).unsqueeze(0);
  return layer_norm_rows(x_BLD, shift_1D, scale_1D, {}, /*offset=*/0, eps, result);
}

Result modulated_layer_norm(const Tensor& x_BLD,
                            const Tensor& shift_UD,
                            const Tensor& scale_UD,
                            const kernels::TokenRows& rows,
                            double eps,
                            torch::ScalarType result) {
  if (!fits(x_BLD, x_BLD.size(-1), kMostWidth) || !element_of(result) ||
      !are_fp32({shift_UD, scale_UD}) ||
      !belong_together(x_BLD, {shift_UD, scale_UD, rows.index_BT})) {
    return std::nullopt;
  }
  return layer_norm_rows(x_BLD,
                         dense_rows(shift_UD),
                         dense_rows(scale_UD),
                         rows.index_BT,
                         /*offset=*/1,
                         eps,
                         result);
}

Result add_gated(const Tensor& x_any,
                 const Tensor& y_any,
                 const Tensor& gate_UD,
                 const kernels::TokenRows& rows) {
  const auto y_type = element_of(y_any.scalar_type());
  if (!fits(x_any, x_any.size(-1), kMostWidth) || !y_type || !are_fp32({x_any, gate_UD}) ||
      x_any.sizes() != y_any.sizes() || !belong_together(x_any, {y_any, gate_UD, rows.index_BT})) {
    return std::nullopt;
  }
  const auto x_BLD = dense(x_any);
  const auto y_BLD = dense(y_any);
  const auto gates = dense_rows(gate_UD);
  const auto index = rows.index_BT.contiguous();
  auto sum_BLD = torch::empty_like(x_BLD);
  const int64_t width = x_BLD.size(-1);
  const int64_t tokens = x_BLD.numel() / width;
  run(AddGated{.x = x_BLD.const_data_ptr<float>(),
               .y = y_BLD.const_data_ptr(),
               .y_type = *y_type,
               .sum = sum_BLD.mutable_data_ptr<float>(),
               .tokens = tokens,
               .width = width,
               .gate = table_of(gates),
               .rows = rows_of(index, tokens)},
      x_BLD,
      "add_gated");
  return sum_BLD;
}

Result rms_norm(const Tensor& x_BLD, const Tensor& weight_D, double eps) {
  if (!fits(x_BLD, x_BLD.size(-1), kMostWidth) || !are_fp32({weight_D}) ||
      !belong_together(x_BLD, {weight_D})) {
    return std::nullopt;
  }
  return rms_norm_rows(x_BLD, weight_D, eps, x_BLD.size(-1), nullptr);
}

Result rms_norm_rope(
    const Tensor& x_BLD, const Tensor& weight_D, double eps, int64_t heads, const Rope& rope) {
  const int64_t head = x_BLD.size(-1) / heads;
  if (!fits(x_BLD, head, kMostWidth) || x_BLD.size(-1) > kMostWidth ||
      !are_fp32({weight_D, rope.cos_LP, rope.sin_LP}) ||
      !belong_together(x_BLD, {weight_D, rope.cos_LP, rope.sin_LP})) {
    return std::nullopt;
  }
  return rms_norm_rows(x_BLD, weight_D, eps, head, &rope).unflatten(-1, {heads, head});
}

Result rms_silu(const Tensor& x_any, const Tensor& gamma) {
  if (x_any.dim() != 5 || !fits(x_any, x_any.size(1), kMostChannels) ||
      !belong_together(x_any, {gamma})) {
    return std::nullopt;
  }
  auto x_BCFHW = x_any.contiguous(torch::MemoryFormat::ChannelsLast3d);
  if (!is_aligned(x_BCFHW)) x_BCFHW = x_BCFHW.clone();
  const auto gamma_C = dense(gamma.to(torch::kFloat32).flatten());
  auto y_BCFHW = torch::empty_like(x_BCFHW, torch::MemoryFormat::ChannelsLast3d);
  const int64_t channels = x_BCFHW.size(1);
  run(RmsSilu{.x = x_BCFHW.const_data_ptr(),
              .y = y_BCFHW.mutable_data_ptr(),
              .type = *element_of(x_BCFHW.scalar_type()),
              .rows = x_BCFHW.numel() / channels,
              .channels = channels,
              .gamma = gamma_C.const_data_ptr<float>(),
              .smallest_norm = kSmallestChannelNorm},
      x_BCFHW,
      "rms_silu");
  return y_BCFHW;
}

std::string device_name(int device) {
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) return "unknown GPU";
  return properties.name;
}

bool is_built() {
  return true;
}

}  // namespace kernels::cuda
