// SPDX-License-Identifier: Apache-2.0
// RMS norm over channels and SiLU in one pass over memory: as separate operations the pair costs as
// much as the convolutions around it.
#include <ATen/Parallel.h>
#include <torch/autograd.h>

#include "kernels/cuda.h"
#include "kernels/ops.h"
#include "kernels/parallel.h"
#include "kernels/rms_silu_loops.h"
#include "kernels/simd.h"

namespace kernels {
namespace {

constexpr int64_t kElementsPerTask = 1 << 15;

Tensor channels_last(const Tensor& x_BCFHW) {
  return x_BCFHW.contiguous(torch::MemoryFormat::ChannelsLast3d);
}

int64_t rows_per_task(int64_t channels) {
  return std::max<int64_t>(1, kElementsPerTask / channels);
}

template <typename T>
Tensor forward_all(const Tensor& x_any, const Tensor& gamma_any) {
  const auto x_BCFHW = channels_last(x_any);
  const auto gamma_C = gamma_any.to(torch::kFloat32).contiguous();
  auto y_BCFHW = torch::empty_like(x_BCFHW);
  const auto channels = x_BCFHW.size(1);
  const RmsSiluRows<T> rows{.x = static_cast<const T*>(x_BCFHW.const_data_ptr()),
                            .gamma = gamma_C.const_data_ptr<float>(),
                            .channels = channels,
                            .y = static_cast<T*>(y_BCFHW.mutable_data_ptr())};
  parallel_for(x_BCFHW.numel() / channels,
               rows_per_task(channels),
               [&](int64_t begin, int64_t end) { rms_silu_forward(rows, begin, end); });
  return y_BCFHW;
}

struct Gradients {
  Tensor x_BCFHW, gamma_C;
};

template <typename T>
Gradients backward_all(const Tensor& x_any, const Tensor& gamma_any, const Tensor& y_gradient) {
  const auto x_BCFHW = channels_last(x_any);
  const auto y_gradient_BCFHW = channels_last(y_gradient.to(x_BCFHW.scalar_type()));
  const auto gamma_C = gamma_any.to(torch::kFloat32).contiguous();
  auto x_gradient_BCFHW = torch::empty_like(x_BCFHW);
  const auto channels = x_BCFHW.size(1);
  // One row per thread, so that no two add to the same number: gradient of gamma, then scratch.
  auto per_thread = torch::zeros({at::get_num_threads(), 2 * channels}, torch::kFloat32);
  const RmsSiluRows<T> rows{.x = static_cast<const T*>(x_BCFHW.const_data_ptr()),
                            .gamma = gamma_C.const_data_ptr<float>(),
                            .channels = channels,
                            .y_gradient = static_cast<const T*>(y_gradient_BCFHW.const_data_ptr()),
                            .x_gradient = static_cast<T*>(x_gradient_BCFHW.mutable_data_ptr())};
  float* sums = per_thread.mutable_data_ptr<float>();
  parallel_for(
      x_BCFHW.numel() / channels, rows_per_task(channels), [&](int64_t begin, int64_t end) {
        float* mine = sums + at::get_thread_num() * 2 * channels;
        rms_silu_backward(rows, begin, end, mine, mine + channels);
      });
  return {x_gradient_BCFHW, per_thread.slice(1, 0, channels).sum(0)};
}

Tensor fused(const Tensor& x_BCFHW, const Tensor& gamma) {
  return x_BCFHW.scalar_type() == torch::kFloat32 ? forward_all<float>(x_BCFHW, gamma)
                                                  : forward_all<simd::Bf16>(x_BCFHW, gamma);
}

struct RmsSilu : torch::autograd::Function<RmsSilu> {
  static Tensor forward(torch::autograd::AutogradContext* context,
                        const Tensor& x_BCFHW,
                        const Tensor& gamma) {
    context->save_for_backward({x_BCFHW, gamma});
    return fused(x_BCFHW, gamma);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& x_BCFHW = saved[0];
    const auto& gamma = saved[1];
    const auto result = x_BCFHW.scalar_type() == torch::kFloat32
                            ? backward_all<float>(x_BCFHW, gamma, gradients[0])
                            : backward_all<simd::Bf16>(x_BCFHW, gamma, gradients[0]);
    return {result.x_BCFHW, result.gamma_C.to(gamma.scalar_type()).view_as(gamma)};
  }
};

}  // namespace

Tensor rms_channels(const Tensor& x_BCX, const Tensor& gamma) {
  std::vector<int64_t> shape(static_cast<size_t>(x_BCX.dim()), 1);
  shape[1] = x_BCX.size(1);
  // Statistics are fp32 whatever the type of x, fp64 for the tests.
  const auto type = x_BCX.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  const auto x = x_BCX.to(type);
  const auto norm = at::linalg_vector_norm(x, 2, at::IntArrayRef{1}, /*keepdim=*/true);
  const auto scale =
      std::sqrt(static_cast<double>(x.size(1))) / norm.clamp_min(kSmallestChannelNorm);
  return (x * scale * gamma.reshape(shape).to(type)).to(x_BCX.scalar_type());
}

Tensor rms_silu_reference(const Tensor& x_BCFHW, const Tensor& gamma) {
  return at::silu(rms_channels(x_BCFHW, gamma));
}

Tensor rms_silu(const Tensor& x_BCFHW, const Tensor& gamma) {
  if (auto fast = cuda::rms_silu(x_BCFHW, gamma)) return *fast;
  const auto type = x_BCFHW.scalar_type();
  const bool known_type = type == torch::kFloat32 || type == torch::kBFloat16;
  if (!x_BCFHW.is_cpu() || !known_type) return rms_silu_reference(x_BCFHW, gamma);
  const bool wants_gradient = x_BCFHW.requires_grad() || gamma.requires_grad();
  if (!torch::GradMode::is_enabled() || !wants_gradient) return fused(x_BCFHW, gamma);
  return RmsSilu::apply(x_BCFHW, gamma);
}

}  // namespace kernels
