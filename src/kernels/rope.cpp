// SPDX-License-Identifier: Apache-2.0
// What happens to queries and keys before attention: RMS norm over all channels, and rotary
// positions over time, height and width. Follows WanRMSNorm, rope_params and rope_apply in
// wan/modules/model.py: interleaved pairs, every axis with its own frequencies.
// F H W positions on the axes, P pairs of a head
#include "kernels/cpu.h"
#include "kernels/cuda.h"
#include "kernels/ops.h"
#include "kernels/parallel.h"
#include "kernels/rows_loops.h"

namespace kernels {
namespace {

using c10::BFloat16;

constexpr double kTheta = 10000;
constexpr int64_t kElementsPerTask = 1 << 15;

// position * theta^(-2j/dim) in double, for every position and every pair j of one axis.
Tensor angles(int64_t positions, int64_t dim, torch::Device device) {
  const auto options = torch::TensorOptions().dtype(torch::kFloat64).device(device);
  const auto frequency_P = torch::pow(kTheta, torch::arange(0, dim, 2, options) / -double(dim));
  return torch::outer(torch::arange(positions, options), frequency_P);
}

// The normalised value is rounded to the type of x before the weight; the product stays fp32.
Tensor rms_norm_fp32(const Tensor& x_BLD, const Tensor& weight_D, double eps) {
  const auto x32_BLD = x_BLD.to(torch::kFloat32);
  const auto scale_BL1 = torch::rsqrt(x32_BLD.square().mean(-1, /*keepdim=*/true) + eps);
  const auto normed_BLD = (x32_BLD * scale_BL1).to(x_BLD.scalar_type());
  return normed_BLD.to(torch::kFloat32) * weight_D;
}

Tensor rms_norm_rope_reference(
    const Tensor& x_BLD, const Tensor& weight_D, double eps, int64_t heads, const Rope& rope) {
  const auto pairs_BLNP2 =
      rms_norm_fp32(x_BLD, weight_D, eps).unflatten(-1, {heads, rope.cos_LP.size(1), 2});
  const auto cos_L1P = rope.cos_LP.unsqueeze(1);
  const auto sin_L1P = rope.sin_LP.unsqueeze(1);
  const auto a_BLNP = pairs_BLNP2.select(-1, 0);
  const auto b_BLNP = pairs_BLNP2.select(-1, 1);
  return torch::stack({a_BLNP * cos_L1P - b_BLNP * sin_L1P, a_BLNP * sin_L1P + b_BLNP * cos_L1P},
                      -1)
      .flatten(-2)
      .to(x_BLD.scalar_type());
}

void store_row(const float* row, float* y, int64_t width) {
  std::copy_n(row, width, y);
}
void store_row(const float* row, BFloat16* y, int64_t width) {
  narrow(row, y, width);
}

// rms_norm of every token, then the rotation where `rope` is given.
template <typename T>
Tensor rms_norm_rows(
    const Tensor& x_any, const Tensor& weight_D, double eps, int64_t heads, const Rope* rope) {
  const auto x_BLD = x_any.contiguous();
  const auto weight = weight_D.contiguous();
  auto y_BLD = torch::empty_like(x_BLD);
  const int64_t width = x_BLD.size(-1);
  const int64_t pairs = width / heads / 2;
  const auto* x = x_BLD.const_data_ptr<T>();
  auto* y = y_BLD.mutable_data_ptr<T>();
  const int64_t grain = std::max<int64_t>(1, kElementsPerTask / width);
  parallel_for(x_BLD.numel() / width, grain, [&](int64_t begin, int64_t end) {
    std::vector<float> row(static_cast<size_t>(width));
    for (int64_t token = begin; token < end; ++token) {
      rms_norm_row(x + token * width,
                   weight.const_data_ptr<float>(),
                   static_cast<float>(eps),
                   row.data(),
                   width);
      if (rope != nullptr) {
        const int64_t at = token % rope->cos_LP.size(0) * pairs;
        rotate_row(row.data(),
                   rope->cos_LP.const_data_ptr<float>() + at,
                   rope->sin_LP.const_data_ptr<float>() + at,
                   heads,
                   pairs);
      }
      store_row(row.data(), y + token * width, width);
    }
  });
  return y_BLD;
}

bool is_fast(const Tensor& x, const Tensor& weight) {
  const bool known = x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16;
  return known && is_fast_on_cpu({x, weight});
}

}  // namespace

Tensor rms_norm(const Tensor& x_BLD, const Tensor& weight_D, double eps) {
  if (auto fast = cuda::rms_norm(x_BLD, weight_D, eps)) return *fast;
  if (!is_fast(x_BLD, weight_D)) {
    return rms_norm_fp32(x_BLD, weight_D, eps).to(x_BLD.scalar_type());
  }
  return x_BLD.scalar_type() == torch::kFloat32
             ? rms_norm_rows<float>(x_BLD, weight_D, eps, 1, nullptr)
             : rms_norm_rows<BFloat16>(x_BLD, weight_D, eps, 1, nullptr);
}

Rope rope_3d(
    int64_t frames, int64_t height, int64_t width, int64_t head_dim, torch::Device device) {
  const int64_t side = 2 * (head_dim / 6);
  const auto time_FP = angles(frames, head_dim - 2 * side, device);
  const auto row_HP = angles(height, side, device);
  const auto column_WP = angles(width, side, device);

  // Sine and cosine are taken once per axis, not once per token.
  const auto table = [&](Tensor (*function)(const Tensor&)) {
    const auto along = [&](const Tensor& angle, torch::IntArrayRef shape) {
      return function(angle)
          .to(torch::kFloat32)
          .reshape(shape)
          .expand({frames, height, width, angle.size(1)});
    };
    return torch::cat({along(time_FP, {frames, 1, 1, -1}),
                       along(row_HP, {1, height, 1, -1}),
                       along(column_WP, {1, 1, width, -1})},
                      -1)
        .flatten(0, 2);
  };
  return {table(torch::cos), table(torch::sin)};
}

Tensor rms_norm_rope(
    const Tensor& x_BLD, const Tensor& weight_D, double eps, int64_t heads, const Rope& rope) {
  if (auto fast = cuda::rms_norm_rope(x_BLD, weight_D, eps, heads, rope)) return *fast;
  if (!is_fast(x_BLD, weight_D)) {
    return rms_norm_rope_reference(x_BLD, weight_D, eps, heads, rope);
  }
  const auto y_BLD = x_BLD.scalar_type() == torch::kFloat32
                         ? rms_norm_rows<float>(x_BLD, weight_D, eps, heads, &rope)
                         : rms_norm_rows<BFloat16>(x_BLD, weight_D, eps, heads, &rope);
  return y_BLD.unflatten(-1, {heads, -1});
}

}  // namespace kernels
