// SPDX-License-Identifier: Apache-2.0
#include "models/dit.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/error.h"

namespace {

using models::Dit;
using torch::Tensor;

const specs::DitSpec kSmall{.dim = 48,
                            .ffn_dim = 64,
                            .num_heads = 2,
                            .num_layers = 2,
                            .in_dim = 4,
                            .out_dim = 4,
                            .freq_dim = 32,
                            .text_dim = 20,
                            .text_len = 16};

models::NamedTensors random_weights(const specs::DitSpec& spec) {
  torch::manual_seed(5);
  models::NamedTensors tensors;
  const auto make = [&](const std::string& name, torch::IntArrayRef shape) {
    return tensors[name] = torch::randn(shape) * 0.2;
  };
  const Dit dit(spec, {make, {.matrices = torch::kFloat32}});
  return tensors;
}

Dit make(const specs::DitSpec& spec, torch::ScalarType matrices = torch::kFloat32) {
  models::Weights w(random_weights(spec), "random", {.matrices = matrices});
  Dit dit(spec, w);
  w.finish();
  return dit;
}

double worst(const Tensor& a, const Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(Dit, EmbedsTimestepsCosineFirstWithAnglesInDouble) {
  const auto e = models::sinusoidal_embedding(torch::tensor({999.0, 937.5, 0.0}), 256);
  const int64_t at[] = {0, 1, 64, 127, 128, 129, 192, 255};
  const double want[][8] = {{0.999649853,
                             0.963782479,
                             -0.844469696,
                             0.994243164,
                             -0.026460753,
                             -0.266689584,
                             -0.535603335,
                             0.107147238},
                            {0.262302132,
                             0.580487289,
                             -0.998761333,
                             0.994929565,
                             0.964985799,
                             -0.814269309,
                             0.049757406,
                             0.100574153},
                            {1, 1, 1, 1, 0, 0, 0, 0}};
  for (int row = 0; row < 3; ++row) {
    for (int i = 0; i < 8; ++i) EXPECT_NEAR(e[row][at[i]].item<double>(), want[row][i], 1e-7);
  }
}

TEST(Dit, GivesEqualTokenTimestepsTheResultOfOneTimestep) {
  torch::InferenceMode guard;
  const auto dit = make(kSmall);
  const auto x = torch::randn({2, 4, 3, 4, 6});
  const auto context = dit.prepare(torch::randn({2, 5, 20}), {5, 3});
  const auto per_sample = torch::tensor({900.f, 250.5f});
  const auto per_token = per_sample.unsqueeze(1).expand({2, 18});
  EXPECT_LT(worst(dit(x, per_sample, context), dit(x, per_token, context)), 1e-6);
}

TEST(Dit, LetsEveryTokenHaveItsOwnTimestep) {
  torch::InferenceMode guard;
  const auto dit = make(kSmall);
  const auto x = torch::randn({1, 4, 3, 4, 6});
  const auto context = dit.prepare(torch::randn({1, 5, 20}), {5});
  auto t = torch::full({1, 18}, 700.f);
  const auto all = dit(x, t, context);
  t.narrow(1, 0, 6).zero_();
  const auto first_clean = dit(x, t, context);
  EXPECT_GT(worst(all.narrow(2, 0, 1), first_clean.narrow(2, 0, 1)), 1e-2);
  EXPECT_GT(worst(all.narrow(2, 1, 2), first_clean.narrow(2, 1, 2)), 1e-6);
}

TEST(Dit, CollapsesPaddedTextWithoutChangingTheResult) {
  torch::InferenceMode guard;
  const auto dit = make(kSmall);
  const auto x = torch::randn({3, 4, 2, 4, 4});
  const auto t = torch::tensor({10.f, 500.f, 999.f});
  const auto text = torch::randn({3, 16, 20});
  const std::vector<int64_t> lengths{1, 16, 7};
  const auto collapsed = dit(x, t, dit.prepare(text, lengths));
  const auto plain = dit(x, t, dit.prepare(text, lengths, {}, models::TextPadding::written_out));
  EXPECT_LT(worst(collapsed, plain), 1e-5);
  EXPECT_EQ(dit.prepare(text, {1, 2, 3}).text_bias_BS.size(1), 4);
}

TEST(Dit, TreatsSamplesOfABatchAlone) {
  torch::InferenceMode guard;
  const auto dit = make(kSmall);
  const auto x = torch::randn({2, 4, 2, 4, 4});
  const auto t = torch::tensor({100.f, 800.f});
  const auto text = torch::randn({2, 9, 20});
  const auto both = dit(x, t, dit.prepare(text, {4, 9}));
  const auto alone =
      dit(x.narrow(0, 0, 1), t.narrow(0, 0, 1), dit.prepare(text.narrow(0, 0, 1), {4}));
  EXPECT_LT(worst(both[0], alone[0]), 1e-5);
}

TEST(Dit, SharesTheBeginningBetweenPrompts) {
  torch::InferenceMode guard;
  const auto dit = make(kSmall);
  const auto x = torch::randn({1, 4, 2, 4, 4});
  const auto t = torch::tensor({640.f});
  const auto prompts = dit.prepare(torch::randn({2, 9, 20}), {4, 9});
  const auto start = dit.begin(x, t);
  const auto both = dit.finish(start, prompts);
  ASSERT_EQ(both.size(0), 2);
  for (int64_t i = 0; i < 2; ++i) {
    EXPECT_LT(worst(both[i], dit(x, t, prompts.sample(i))[0]), 1e-5);
  }
}

// With blocks that add nothing and a head that undoes the patches, what goes in comes out: channel
// slowest in the patch, fastest in the head.
TEST(Dit, PutsEveryPixelBackWhereItCameFrom) {
  torch::InferenceMode guard;
  auto tensors = random_weights(kSmall);
  for (auto& [name, tensor] : tensors) {
    if (name.ends_with("modulation") || name.find(".o.") != std::string::npos) tensor.zero_();
    if (name.starts_with("time_projection") || name.starts_with("time_embedding")) tensor.zero_();
    if (name.starts_with("patch_embedding") || name.starts_with("head.head")) tensor.zero_();
  }
  // 16 numbers of a patch as they are, then their negatives: the mean stays 0. Layer norm divides
  // by the patch's own deviation, so the comparison is of signs and order.
  auto patch = tensors.at("patch_embedding.weight").view({48, 16});
  auto head = tensors.at("head.head.weight");  // [4 * C, 48], channel fastest
  for (int64_t i = 0; i < 16; ++i) {
    patch[i][i] = 1;
    patch[16 + i][i] = -1;
    const int64_t channel = i / 4;
    const int64_t place = i % 4;
    head[place * 4 + channel][i] = 1;
  }
  const Dit dit(kSmall, {tensors, "round trip", {.matrices = torch::kFloat32}});
  const auto x = torch::randn({1, 4, 2, 4, 6});
  const auto out = dit(x, torch::tensor({0.f}), dit.prepare(torch::zeros({1, 1, 20}), {1}));
  const auto ratio = out / x;
  // One ratio per patch: the same for its 2x2 pixels and all channels.
  const auto per_patch =
      ratio.unflatten(4, {3, 2}).unflatten(3, {2, 2}).permute({0, 2, 3, 5, 1, 4, 6});
  const auto flat = per_patch.flatten(4);
  EXPECT_LT(worst(flat, flat.select(-1, 0).unsqueeze(-1).expand_as(flat)), 1e-3);
  EXPECT_GT(ratio.min().item<double>(), 0.1);
}

TEST(Dit, StaysCloseToFp32InBf16) {
  torch::InferenceMode guard;
  const auto x = torch::randn({1, 4, 2, 4, 6});
  const auto text = torch::randn({1, 5, 20});
  const auto run = [&](torch::ScalarType matrices) {
    const auto dit = make(kSmall, matrices);
    return dit(x, torch::tensor({500.f}), dit.prepare(text, {5}));
  };
  const auto exact = run(torch::kFloat32);
  const auto rounded = run(torch::kBFloat16);
  EXPECT_EQ(rounded.scalar_type(), torch::kFloat32);
  EXPECT_LT((exact - rounded).norm().item<double>(), 0.02 * exact.norm().item<double>());
  EXPECT_GT(worst(exact, rounded), 0);
}

TEST(Dit, GivesGradientsToEveryWeightUnderAutocast) {
  auto tensors = random_weights(kSmall);
  for (auto& [name, tensor] : tensors) tensor.requires_grad_();
  const Dit dit(kSmall, {tensors, "training", {.matrices = torch::kFloat32}});
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, torch::kBFloat16);
  const auto context = dit.prepare(torch::randn({2, 5, 20}), {5, 2});
  const auto out = dit(torch::randn({2, 4, 2, 4, 4}), torch::tensor({100.f, 900.f}), context);
  at::autocast::set_autocast_enabled(at::kCPU, false);
  at::autocast::clear_cache();
  EXPECT_EQ(out.scalar_type(), torch::kFloat32);
  out.square().mean().backward();
  for (const auto& [name, tensor] : tensors) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    // The softmax does not see what all keys have in common: k.bias before the norm still counts.
    EXPECT_TRUE(tensor.grad().isfinite().all().item<bool>()) << name;
    EXPECT_GT(tensor.grad().abs().max().item<double>(), 0) << name;
  }
}

TEST(Dit, RefusesLatentsTimestepsAndPromptsThatDoNotFit) {
  torch::InferenceMode guard;
  const auto dit = make(kSmall);
  const auto t = torch::tensor({1.f});
  EXPECT_THROW(dit.begin(torch::zeros({1, 5, 1, 4, 4}), t), base::Error);
  EXPECT_THROW(dit.begin(torch::zeros({1, 4, 1, 3, 4}), t), base::Error);
  EXPECT_THROW(dit.begin(torch::zeros({2, 4, 1, 4, 4}), t), base::Error);
  EXPECT_THROW(dit.prepare(torch::zeros({1, 17, 20}), {17}), base::Error);
  EXPECT_THROW(dit.prepare(torch::zeros({1, 2, 20}), {2}, torch::zeros({1, 257, 8})), base::Error);
}

}  // namespace
