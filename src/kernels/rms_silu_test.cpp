// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <torch/types.h>

#include "kernels/ops.h"
#include "kernels/simd.h"

namespace {

using kernels::Tensor;

double worst(const Tensor& got, const Tensor& want) {
  return (got.to(torch::kFloat64) - want.to(torch::kFloat64)).abs().max().item<double>();
}

// Widths that are and are not a multiple of any vector length.
class RmsSiluOfWidth : public testing::TestWithParam<int64_t> {
 protected:
  Tensor x_BCFHW, gamma;

  void SetUp() override {
    torch::manual_seed(1);
    x_BCFHW = torch::randn({2, GetParam(), 3, 5, 4}) * 3;
    gamma = torch::randn({GetParam(), 1, 1, 1});
  }
};

TEST_P(RmsSiluOfWidth, EqualsThePlainForm) {
  EXPECT_LT(worst(kernels::rms_silu(x_BCFHW, gamma), kernels::rms_silu_reference(x_BCFHW, gamma)),
            5e-6);
}

TEST_P(RmsSiluOfWidth, TakesAnyMemoryLayout) {
  const auto slice = x_BCFHW.slice(2, 1, 3);
  EXPECT_LT(worst(kernels::rms_silu(slice, gamma), kernels::rms_silu_reference(slice, gamma)),
            5e-6);
}

TEST_P(RmsSiluOfWidth, RoundsBf16OnlyAtTheEnd) {
  const auto x = x_BCFHW.to(torch::kBFloat16);
  const auto want = kernels::rms_silu_reference(x.to(torch::kFloat32), gamma);
  const auto got = kernels::rms_silu(x, gamma);
  EXPECT_EQ(got.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(torch::allclose(got.to(torch::kFloat32), want, 1.0 / 256, 1e-6));
}

TEST_P(RmsSiluOfWidth, GradientsEqualThoseOfThePlainForm) {
  const auto gradients = [&](auto&& function) {
    const auto x = x_BCFHW.detach().clone().requires_grad_();
    const auto g = gamma.detach().clone().requires_grad_();
    (function(x, g) * torch::arange(x.numel()).view_as(x).sin()).sum().backward();
    return std::pair(x.grad(), g.grad());
  };
  const auto [x_gradient, gamma_gradient] = gradients(kernels::rms_silu);
  const auto [want_x, want_gamma] = gradients(kernels::rms_silu_reference);
  EXPECT_LT(worst(x_gradient, want_x), 1e-5);
  EXPECT_LT(worst(gamma_gradient, want_gamma), 5e-5);
  EXPECT_EQ(gamma_gradient.sizes(), gamma.sizes());
}

INSTANTIATE_TEST_SUITE_P(Widths, RmsSiluOfWidth, testing::Values(3, 16, 96, 101));

TEST(RmsSilu, AZeroVoxelStaysZero) {
  const auto y = kernels::rms_silu(torch::zeros({1, 16, 1, 1, 2}), torch::ones({16}));
  EXPECT_EQ(y.abs().max().item<float>(), 0);
}

TEST(Simd, ExpIsAccurateAndBounded) {
  for (int i = -160; i <= 160; ++i) {
    const float x = 0.37f * static_cast<float>(i);
    EXPECT_NEAR(kernels::simd::exp(x) / std::exp(static_cast<double>(x)), 1, 4e-7) << x;
  }
  EXPECT_GT(kernels::simd::exp(-1e30f), 0);
  EXPECT_LT(kernels::simd::exp(1e30f), 1e38f);
}

}  // namespace
