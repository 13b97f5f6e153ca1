// SPDX-License-Identifier: Apache-2.0
#include "kernels/convolution.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace {

using kernels::Convolution;
using kernels::Sampling;
using torch::Tensor;

Convolution random_convolution(
    int64_t batch, int64_t in, int64_t out, int64_t taps, torch::IntArrayRef picture) {
  torch::manual_seed(21);
  const int64_t frames = picture[0];
  return {.before_BCFHW = torch::randn({batch, in, taps - 1, picture[1], picture[2]}),
          .x_BCFHW = torch::randn({batch, in, frames, picture[1], picture[2]}),
          .weight_OCTHW = torch::randn({out, in, taps, 3, 3}) / std::sqrt(9.0 * in * taps),
          .bias_O = torch::randn({out})};
}

Convolution in_type(const Convolution& c, torch::ScalarType type) {
  const auto to = [&](const Tensor& x) { return x.defined() ? x.to(type) : x; };
  return {.before_BCFHW = to(c.before_BCFHW),
          .x_BCFHW = to(c.x_BCFHW),
          .weight_OCTHW = to(c.weight_OCTHW),
          .bias_O = to(c.bias_O),
          .sampling = c.sampling,
          .add_BOFHW = to(c.add_BOFHW)};
}

// Against the plain form in double precision.
void expect_equal(const Convolution& c) {
  Tensor scratch;
  const auto exact = kernels::convolve_reference(in_type(c, torch::kFloat64));
  const auto fp32 = kernels::convolve(c, scratch);
  ASSERT_EQ(fp32.sizes(), exact.sizes());
  EXPECT_LT((fp32 - exact).abs().max().item<double>(), 2e-5);
  EXPECT_LT((fp32 - exact).norm().item<double>(), 2e-6 * exact.norm().item<double>());

  const auto c16 = in_type(c, torch::kBFloat16);
  const auto exact16 = kernels::convolve_reference(in_type(c16, torch::kFloat64));
  const auto bf16 = kernels::convolve(c16, scratch);
  ASSERT_EQ(bf16.scalar_type(), torch::kBFloat16);
  // A rounding is off by 2^-9 of the value at most. Where the library multiplies bf16, what is
  // given is added to a result that is rounded already.
  double rounded = exact16.norm().item<double>();
  if (c.add_BOFHW.defined()) rounded += (exact16 - c16.add_BOFHW).norm().item<double>();
  EXPECT_LT((bf16 - exact16).norm().item<double>(), 0x1.1p-9 * rounded);
}

TEST(Convolution, EqualsThePlainFormAtAnySize) {
  for (const auto& picture : std::vector<std::vector<int64_t>>{{1, 1, 1}, {3, 5, 7}, {2, 8, 12}}) {
    expect_equal(random_convolution(2, 16, 24, 3, picture));
  }
}

TEST(Convolution, EqualsThePlainFormForFewOutputsAndManyTiles) {
  expect_equal(random_convolution(1, 96, 3, 3, {4, 33, 70}));
}

TEST(Convolution, TakesZerosForFramesThatAreNotThere) {
  for (const int64_t frames : {1, 2, 4}) {
    auto c = random_convolution(1, 8, 16, 3, {frames, 6, 6});
    c.before_BCFHW = Tensor();
    expect_equal(c);
  }
}

TEST(Convolution, DoublesThePictureFirst) {
  auto c = random_convolution(1, 16, 8, 1, {3, 5, 6});
  c.before_BCFHW = Tensor();
  c.sampling = Sampling::twice;
  expect_equal(c);
}

TEST(Convolution, AddsWhatIsGiven) {
  auto c = random_convolution(2, 8, 12, 3, {2, 6, 5});
  c.add_BOFHW = torch::randn({2, 12, 2, 6, 5});
  expect_equal(c);
}

TEST(Convolution, KeepsNaN) {
  auto c = random_convolution(1, 8, 8, 1, {1, 4, 4});
  c.before_BCFHW = Tensor();
  c.x_BCFHW[0][0][0][1][1] = std::nan("");
  Tensor scratch;
  EXPECT_TRUE(kernels::convolve(in_type(c, torch::kBFloat16), scratch).isnan().any().item<bool>());
}

TEST(Convolution, IsTheSameWhereGradientsAreKept) {
  auto c = random_convolution(1, 8, 8, 3, {2, 6, 6});
  Tensor scratch;
  const auto fast = kernels::convolve(c, scratch);
  c.x_BCFHW.requires_grad_();
  const auto kept = kernels::convolve(c, scratch);
  EXPECT_TRUE(kept.requires_grad());
  EXPECT_LT((fast - kept.detach()).abs().max().item<double>(), 2e-5);
}

}  // namespace
