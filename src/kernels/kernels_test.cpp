// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <torch/types.h>

#include "kernels/ops.h"

namespace {

using torch::Tensor;

double worst(const Tensor& a, const Tensor& b) {
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

// The fast loops take over where no gradient is asked for: asking for one gives the reference.
Tensor referred(const Tensor& x) {
  return x.detach().clone().requires_grad_();
}

// The same up to the order of summation: for bf16 results within one unit in the last place.
void expect_close(const Tensor& fast, const Tensor& reference) {
  ASSERT_EQ(fast.scalar_type(), reference.scalar_type());
  ASSERT_EQ(fast.sizes(), reference.sizes());
  const double unit = fast.scalar_type() == torch::kBFloat16 ? 1.0 / 128 : 1e-5;
  const auto a = fast.to(torch::kFloat64);
  const auto b = reference.detach().to(torch::kFloat64);
  EXPECT_TRUE(a.allclose(b, unit, 1e-5)) << (a - b).abs().max();
  EXPECT_LT((a - b).norm().item<double>(), unit / 4 * b.norm().item<double>());
}

constexpr torch::ScalarType kTypes[] = {torch::kFloat32, torch::kBFloat16};

TEST(Kernels, FastLayerNormsEqualTheReference) {
  torch::manual_seed(10);
  const auto x = torch::randn({2, 5, 72}) * 3 + 1;
  const auto shift = torch::randn({3, 6, 72});
  const auto per_token = kernels::TokenRows{torch::randint(0, 3, {2, 5}, torch::kInt64)};
  const auto per_sample = kernels::TokenRows{torch::tensor({{2}, {0}})};
  for (const auto type : kTypes) {
    for (const auto& rows : {per_token, per_sample}) {
      const auto run = [&](const Tensor& input) {
        return kernels::modulated_layer_norm(
            input, shift.select(1, 0), shift.select(1, 1), rows, 1e-6, type);
      };
      expect_close(run(x), run(referred(x)));
    }
    const auto affine = [&](const Tensor& input) {
      return kernels::layer_norm(input, shift[0][2], shift[0][3], 1e-6, type);
    };
    expect_close(affine(x), affine(referred(x)));
  }
}

TEST(Kernels, FastGatedResidualEqualsTheReference) {
  torch::manual_seed(11);
  const auto x = torch::randn({2, 5, 72});
  const auto gate = torch::randn({3, 72});
  const kernels::TokenRows rows{torch::randint(0, 3, {2, 5}, torch::kInt64)};
  for (const auto type : kTypes) {
    const auto y = torch::randn({2, 5, 72}).to(type);
    expect_close(kernels::add_gated(x, y, gate, rows),
                 kernels::add_gated(referred(x), y, gate, rows));
  }
}

TEST(Kernels, FastRmsNormAndRotationEqualTheReference) {
  torch::manual_seed(12);
  const auto rope = kernels::rope_3d(2, 3, 4, 12, torch::kCPU);
  const auto weight = torch::randn({36});
  for (const auto type : kTypes) {
    const auto x = (torch::randn({2, 24, 36}) * 5).to(type);
    expect_close(kernels::rms_norm(x, weight, 1e-6), kernels::rms_norm(referred(x), weight, 1e-6));
    expect_close(kernels::rms_norm_rope(x, weight, 1e-6, 3, rope),
                 kernels::rms_norm_rope(referred(x), weight, 1e-6, 3, rope));
  }
}

TEST(Kernels, FastGeluEqualsTheReference) {
  const auto x = torch::linspace(-30, 30, 6001);
  for (const auto type : kTypes) {
    expect_close(kernels::gelu_tanh(x.to(type)), kernels::gelu_tanh(referred(x.to(type))));
  }
}

// More rows, columns and channels than are handled at once, none a multiple of anything.
TEST(Kernels, LinearInBf16EqualsExactSumsOfBf16Numbers) {
  torch::manual_seed(13);
  const auto f64 = [](const Tensor& t) { return t.to(torch::kFloat64); };
  for (const auto& [rows, in, out] : {std::tuple{2051, 37, 131}, std::tuple{61, 1037, 90}}) {
    const auto x = torch::randn({1, rows, in}).to(torch::kBFloat16);
    const auto weight = torch::randn({out, in}).to(torch::kBFloat16);
    const auto bias = torch::randn({out}).to(torch::kBFloat16);
    expect_close(kernels::linear(x, weight, bias),
                 torch::linear(f64(x), f64(weight), f64(bias)).to(torch::kBFloat16));
    expect_close(kernels::linear(x, weight, {}),
                 torch::linear(f64(x), f64(weight)).to(torch::kBFloat16));
  }
}

TEST(Rope, GivesEveryAxisItsOwnFrequencies) {
  const auto rope = kernels::rope_3d(2, 2, 2, 128, torch::kCPU);
  ASSERT_EQ(rope.cos_LP.sizes(), (torch::IntArrayRef{8, 64}));
  const auto angle = [&](int64_t token, int64_t pair) {
    return std::atan2(rope.sin_LP[token][pair].item<double>(),
                      rope.cos_LP[token][pair].item<double>());
  };
  // Token 4 is frame 1, token 2 row 1, token 1 column 1; pairs 0-21 are time, 22-42 rows.
  EXPECT_NEAR(angle(4, 1), 0.657933224658, 1e-6);
  EXPECT_NEAR(angle(4, 10), 0.01519911083, 1e-7);
  EXPECT_NEAR(angle(4, 20), 0.00023101297, 1e-9);
  EXPECT_NEAR(angle(2, 22 + 1), 0.644946677104, 1e-6);
  EXPECT_NEAR(angle(2, 22 + 10), 0.012451970847, 1e-7);
  EXPECT_NEAR(angle(1, 43 + 20), 0.000155051578, 1e-9);
  EXPECT_EQ(angle(1, 22), 0);
  EXPECT_EQ(angle(1, 0), 0);
}

TEST(Rope, TurnsNeighbouringChannelsAsAPair) {
  // One token at frame 0, row 0, column 1 of heads of 12: pairs 0 1 | 2 3 | 4 5.
  const auto rope = kernels::rope_3d(1, 1, 2, 12, torch::kCPU);
  auto x = torch::ones({1, 2, 12});
  const auto turned = kernels::rms_norm_rope(x, torch::ones({12}), 0, 1, rope);
  EXPECT_NEAR(turned[0][1][0][8].item<double>(), std::cos(1) - std::sin(1), 1e-6);
  EXPECT_NEAR(turned[0][1][0][9].item<double>(), std::sin(1) + std::cos(1), 1e-6);
  EXPECT_NEAR(turned[0][1][0][7].item<double>(), 1, 1e-6);
}

TEST(RmsNorm, NormalisesOverAllChannels) {
  const auto x = torch::tensor({{{3.f, 4.f, 0.f, 0.f}}});
  const auto got = kernels::rms_norm(x, torch::tensor({1.f, 2.f, 1.f, 1.f}), 0);
  EXPECT_LT(worst(got, torch::tensor({{{1.2f, 3.2f, 0.f, 0.f}}})), 1e-6);
}

TEST(Attention, ABiasOfMinusInfinityLeavesAKeyOut) {
  torch::manual_seed(1);
  const auto q = torch::randn({2, 3, 2, 8});
  const auto k = torch::randn({2, 5, 2, 8});
  const auto v = torch::randn({2, 5, 2, 8});
  auto bias = torch::zeros({2, 5});
  bias[0][4] = -std::numeric_limits<float>::infinity();
  const auto got = kernels::attention(q, k, v, bias);
  const auto first = kernels::attention(
      q.narrow(0, 0, 1), k.narrow(0, 0, 1).narrow(1, 0, 4), v.narrow(0, 0, 1).narrow(1, 0, 4));
  const auto second = kernels::attention(q.narrow(0, 1, 1), k.narrow(0, 1, 1), v.narrow(0, 1, 1));
  EXPECT_LT(worst(got, torch::cat({first, second})), 1e-6);
}

TEST(Attention, ARaisedLogitStandsForEqualKeys) {
  torch::manual_seed(2);
  const auto q = torch::randn({1, 3, 2, 8});
  const auto k = torch::randn({1, 2, 2, 8});
  const auto v = torch::randn({1, 2, 2, 8});
  const auto repeat = torch::tensor({0, 1, 1, 1, 1});
  const auto got = kernels::attention(q, k, v, torch::tensor({{0.f, std::log(4.f)}}));
  EXPECT_LT(worst(got, kernels::attention(q, k.index_select(1, repeat), v.index_select(1, repeat))),
            1e-6);
}

// Rounded to bf16, ln(500) would be 0.2 % off, and the weights it shifts more than 1 %.
TEST(Attention, KeepsTheBiasInFp32) {
  torch::manual_seed(6);
  const auto q = torch::randn({1, 64, 2, 16}).to(torch::kBFloat16);
  const auto k = torch::randn({1, 20, 2, 16}).to(torch::kBFloat16);
  const auto v = torch::randn({1, 20, 2, 16}).to(torch::kBFloat16);
  auto bias = torch::zeros({1, 20});
  bias[0][19] = std::log(500.f);
  const auto f64 = [](const Tensor& t) { return t.to(torch::kFloat64).transpose(1, 2); };
  const auto logits = torch::matmul(f64(q), f64(k).transpose(-2, -1)) / 4 + bias;
  const auto want = torch::matmul(torch::softmax(logits, -1), f64(v)).transpose(1, 2);
  const auto got = kernels::attention(q, k, v, bias).to(torch::kFloat64);
  EXPECT_LT((got - want).norm().item<double>(), 0.003 * want.norm().item<double>());
}

TEST(Attention, IsTheSameWhereGradientsAreKept) {
  torch::manual_seed(3);
  const auto q = torch::randn({2, 7, 2, 8});
  const auto k = torch::randn({2, 5, 2, 8});
  const auto v = torch::randn({2, 5, 2, 8});
  const auto bias = torch::randn({2, 5});
  const auto plain = kernels::attention(q.clone().requires_grad_(), k, v, bias);
  EXPECT_LT(worst(plain.detach(), kernels::attention(q, k, v, bias)), 1e-6);
}

TEST(ModulatedLayerNorm, TakesTheRowOfEachToken) {
  torch::manual_seed(4);
  const auto x = torch::randn({2, 3, 8});
  const auto shift = torch::randn({2, 8});
  const auto scale = torch::randn({2, 8});
  const kernels::TokenRows rows{torch::tensor({{0, 1, 1}, {1, 0, 0}})};
  const auto got = kernels::modulated_layer_norm(x, shift, scale, rows, 1e-6, torch::kFloat32);
  const auto normed = (x - x.mean(-1, true)) / (x.var(-1, false, true) + 1e-6).sqrt();
  EXPECT_LT(worst(got[0][2], normed[0][2] * (1 + scale[1]) + shift[1]), 1e-5);
  EXPECT_LT(worst(got[1][2], normed[1][2] * (1 + scale[0]) + shift[0]), 1e-5);
}

TEST(AddGated, KeepsTheResidualInFp32) {
  const auto x = torch::full({1, 1, 4}, 1.f);
  const auto y = torch::full({1, 1, 4}, 0.001f).to(torch::kBFloat16);
  const kernels::TokenRows rows{torch::tensor({{0}})};
  const auto got = kernels::add_gated(x, y, torch::full({1, 4}, 0.5f), rows);
  EXPECT_EQ(got.scalar_type(), torch::kFloat32);
  EXPECT_NEAR(got[0][0][0].item<double>(), 1.0005, 1e-6);
}

}  // namespace
