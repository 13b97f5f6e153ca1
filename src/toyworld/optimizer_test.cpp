// SPDX-License-Identifier: Apache-2.0
// The optimiser against plain formulas, and a resumed run against one that was never stopped.
#include "toyworld/optimizer.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/error.h"
#include "toyworld/pca.h"
#include "toyworld/render.h"
#include "toyworld/run.h"

namespace {

using namespace toyworld;

bool all(std::string_view) {
  return true;
}
bool none(std::string_view) {
  return false;
}

TEST(Muon, MakesSingularValuesNearlyOne) {
  torch::manual_seed(1);
  for (const auto& shape : {std::vector<int64_t>{3, 24, 16}, {2, 16, 40}}) {
    const auto values = torch::linalg_svdvals(orthogonalised(torch::randn(shape)));
    EXPECT_GT(values.min().item<float>(), 0.5);
    EXPECT_LT(values.max().item<float>(), 1.3);
  }
}

TEST(Muon, StepsAsThePlainFormulaSays) {
  torch::manual_seed(1);
  auto weight = torch::randn({6, 4}).requires_grad_(true);
  const auto start = weight.detach().clone(), gradient = torch::randn({6, 4});
  Optimizer optimizer({{"w", weight}}, all, {.muon_rate = 0.1, .muon_momentum = 0.9});
  weight.mutable_grad() = gradient.clone();
  optimizer.step(0.5);
  // Nesterov: the momentum after this step, looked at once more.
  auto x = (gradient * 0.1 + 0.9 * (0.1 * gradient)).t();
  x = x / x.norm();
  for (int i = 0; i < 5; ++i) {
    const auto gram = x.mm(x.t());
    x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram.mm(gram)).mm(x);
  }
  const auto expected = start - 0.05 * std::sqrt(6.0 / 4) * x.t();
  EXPECT_TRUE(weight.detach().allclose(expected, 1e-4, 1e-5));
}

TEST(Adam, StepsAsThePlainFormulaSays) {
  auto weight = torch::tensor({1.f, -2.f}).requires_grad_(true);
  Optimizer optimizer(
      {{"w", weight}},
      none,
      {.adam_rate = 0.1, .adam_beta1 = 0.9, .adam_beta2 = 0.99, .clip_norm = 1e9, .average = 0.5});
  double m = 0, v = 0, w = 1;
  for (int step = 1; step <= 3; ++step) {
    weight.mutable_grad() = torch::full({2}, 0.5f * static_cast<float>(step));
    const double g = 0.5 * step;
    optimizer.step(1);
    m = 0.9 * m + 0.1 * g;
    v = 0.99 * v + 0.01 * g * g;
    w -= 0.1 * (m / (1 - std::pow(0.9, step))) / std::sqrt(v / (1 - std::pow(0.99, step)));
  }
  EXPECT_NEAR(weight[0].item<float>(), w, 1e-5);
}

TEST(Adam, ClipsTheGradientsTogether) {
  auto a = torch::zeros({1}).requires_grad_(true), b = torch::zeros({1}).requires_grad_(true);
  Optimizer optimizer({{"a", a}, {"b", b}}, none, {.clip_norm = 1});
  a.mutable_grad() = torch::tensor({3.f});
  b.mutable_grad() = torch::tensor({4.f});
  optimizer.step(1);
  EXPECT_NEAR(optimizer.state().at("momentum.a").item<float>(), 0.1 * 0.6, 1e-5);
}

TEST(Optimizer, AveragesWithoutABiasTowardsItsStart) {
  auto weight = torch::full({1}, 5.f).requires_grad_(true);
  Optimizer optimizer({{"w", weight}}, none, {.adam_rate = 0, .average = 0.9});
  for (int i = 0; i < 3; ++i) {
    weight.mutable_grad() = torch::ones({1});
    optimizer.step(1);
  }
  EXPECT_NEAR(optimizer.average().at("w").item<float>(), 5, 1e-5);
}

TEST(Optimizer, RefusesAStateOfAnotherShape) {
  Optimizer small({{"w", torch::zeros({2}).requires_grad_(true)}}, none, {});
  Optimizer large({{"w", torch::zeros({3}).requires_grad_(true)}}, none, {});
  EXPECT_THROW(large.load(small.state()), base::Error);
}

// Trains a small matrix towards random targets for `steps` steps, in `folder`.
Tensor trained(const std::filesystem::path& folder, int64_t steps, int64_t stop_at) {
  torch::manual_seed(3);
  auto weight = torch::randn({4, 4}).requires_grad_(true);
  Optimizer optimizer({{"w", weight}}, all, {});
  // A rate that depends on the length of the run would hide nothing here: both have the same.
  Run run({.folder = folder, .steps = steps, .seconds_per_save = 0}, optimizer);
  while (!run.is_complete() && run.next_step() < stop_at) {
    run.seed_step();
    (weight - torch::randn({4, 4})).square().sum().backward();
    run.finish_step();
  }
  return optimizer.average().at("w").clone();
}

TEST(Run, GoesOnExactlyWhereItStopped) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "toyworld_run";
  std::filesystem::remove_all(folder);
  const auto whole = trained(folder / "whole", 8, 8);
  trained(folder / "parts", 8, 3);
  EXPECT_TRUE(trained(folder / "parts", 8, 8).equal(whole));
  EXPECT_TRUE(load_tensors(weights_file(folder / "parts")).at("w").equal(whole));
  std::filesystem::remove_all(folder);
}

const Pca& some_code() {
  static const Pca kCode = fit_pca(1, 20, 0.25);
  return kCode;
}

TEST(Code, KeepsMostOfAClipAndItsShape) {
  const auto& code = some_code();
  Random random(9, 9, 9);
  const auto scene = make_scene({0, Shape::cross, 0, Motion::right}, 9, random);
  const auto clip = render(scene, 9).unsqueeze(0);
  const auto latent = code.encode(clip);
  EXPECT_EQ(latent.sizes(), (std::vector<int64_t>{1, 16, 3, 8, 14}));
  // 22 dB; without the code's 15 finer directions it is 12.
  EXPECT_LT((code.decode(latent) - clip).square().mean().item<float>(), 0.025);
}

TEST(Code, GivesAStandingPictureTheSameLatentsInEveryFrame) {
  const auto& code = some_code();
  Random random(9, 9, 9);
  const auto scene = make_scene({0, Shape::circle, 0, Motion::still}, 5, random);
  const auto latent = code.encode(render(scene, 5).unsqueeze(0));
  const auto change = latent.select(2, 1) - latent.select(2, 0);
  EXPECT_LT(change.square().mean().item<float>(), 0.05 * latent.square().mean().item<float>());
}

}  // namespace
