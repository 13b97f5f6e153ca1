// SPDX-License-Identifier: Apache-2.0
#include "pipelines/sampler.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/error.h"

namespace {

using pipelines::Sampler;
using pipelines::Solver;
using torch::Tensor;

std::vector<double> timesteps(const Sampler& sampler) {
  std::vector<double> values;
  for (const auto& step : sampler.steps()) values.push_back(step.timestep);
  return values;
}

// The latent after every step from (1, -0.5, 0.25, 2), with a field that depends on x and sigma in
// place of the network. Expected values: the references' own arithmetic, run once.
std::vector<Tensor> trajectory(const Sampler& sampler) {
  auto x = torch::tensor({1.f, -0.5f, 0.25f, 2.f});
  std::vector<Tensor> after;
  Sampler::History history;
  for (const auto& step : sampler.steps()) {
    const auto velocity = 0.3 * x + 0.1 * step.sigma + 0.2 * torch::sin(3 * x);
    x = sampler.advance(step, x, velocity, history);
    after.push_back(x);
  }
  return after;
}

void expect_trajectory(const Sampler& sampler, const std::vector<std::array<float, 4>>& wanted) {
  const auto got = trajectory(sampler);
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto want = torch::tensor(torch::ArrayRef<float>(wanted[i]));
    EXPECT_LT((got[i] - want).abs().max().item<float>(), 2e-6) << "step " << i << ": " << got[i];
  }
}

TEST(Sampler, FollowsUniPc) {
  expect_trajectory(Sampler(Solver::unipc, 6, 5),
                    {{0.9835212f, -0.4903976f, 0.2380198f, 1.9752129f},
                     {0.9609805f, -0.4772689f, 0.2226369f, 1.9433065f},
                     {0.9283061f, -0.4582755f, 0.2021783f, 1.9005480f},
                     {0.8768136f, -0.4284727f, 0.1732769f, 1.8390770f},
                     {0.7840952f, -0.3753346f, 0.1313269f, 1.7448922f},
                     {0.5706376f, -0.2538224f, 0.0483060f, 1.5449615f}});
}

TEST(Sampler, FollowsDpmPlusPlus) {
  expect_trajectory(Sampler(Solver::dpmpp, 6, 5),
                    {{0.9835298f, -0.4904039f, 0.2380258f, 1.9752263f},
                     {0.9610203f, -0.4772932f, 0.2223679f, 1.9427752f},
                     {0.9283848f, -0.4583164f, 0.2015449f, 1.8993323f},
                     {0.8769204f, -0.4285143f, 0.1723476f, 1.8373692f},
                     {0.7841803f, -0.3753311f, 0.1300932f, 1.7427511f},
                     {0.5705847f, -0.2537619f, 0.0475345f, 1.5433251f}});
}

TEST(Sampler, FollowsTheDistilledListWithEuler) {
  const double list[] = {1000, 750, 500, 250};
  expect_trajectory(Sampler(Solver::lightx2v, list, 5),
                    {{0.9732360f, -0.4844063f, 0.2305420f, 1.9597427f},
                     {0.9284720f, -0.4583447f, 0.2002847f, 1.8969239f},
                     {0.8385525f, -0.4061885f, 0.1468496f, 1.7842702f},
                     {0.5690295f, -0.2517650f, 0.0269483f, 1.5108875f}});
}

TEST(Sampler, TruncatesTimesteps) {
  EXPECT_EQ(timesteps(Sampler(Solver::unipc, 6, 5)),
            (std::vector<double>{999, 961, 908, 833, 713, 499}));
  EXPECT_EQ(timesteps(Sampler(Solver::unipc, 4, 5)), (std::vector<double>{999, 937, 833, 624}));
}

// Mathematically 875 and 250: the rounding of the reference's order of operations gives one less,
// and with boundary 0.875 that decides which expert runs.
TEST(Sampler, KeepsTheRoundingThatDecidesTheExpert) {
  const auto got = timesteps(Sampler(Solver::dpmpp, 20, 3));
  EXPECT_EQ(std::ranges::count(got, 874), 1);
  EXPECT_EQ(std::ranges::count(got, 875), 0);
  EXPECT_EQ(std::ranges::count(got, 249), 1);
}

TEST(Sampler, SplitsTheOfficialA14bScheduleInto26And14Steps) {
  const auto got = timesteps(Sampler(Solver::unipc, 40, 12));
  EXPECT_EQ(std::ranges::count_if(got, [](double t) { return t >= 875; }), 26);
  EXPECT_EQ(got.size(), 40U);
}

// From 92 steps on at shift 12 the first two timesteps are equal; a solver that finds its place by
// searching the timestep takes the second and fails at the end.
TEST(Sampler, CountsStepsInsteadOfSearchingTheFirst) {
  const Sampler sampler(Solver::unipc, 92, 12);
  EXPECT_EQ(sampler.steps()[0].timestep, sampler.steps()[1].timestep);
  EXPECT_TRUE(trajectory(sampler).back().isfinite().all().item<bool>());
}

TEST(Sampler, LeavesOneStepAtThePredictedImage) {
  const Sampler sampler(Solver::unipc, 1, 5);
  const auto x = torch::tensor({1.f, -2.f});
  const auto velocity = torch::tensor({0.5f, 0.25f});
  Sampler::History history;
  const auto& step = sampler.steps()[0];
  const auto got = sampler.advance(step, x, velocity, history);
  EXPECT_TRUE(got.allclose(x - step.sigma * velocity));
}

TEST(Sampler, AddsFreshNoiseBetweenDmdSteps) {
  const double list[] = {1000, 757, 522};
  const Sampler sampler(Solver::dmd, list, 8);
  const auto& first = sampler.steps()[0];
  const auto& last = sampler.steps()[2];
  EXPECT_TRUE(sampler.needs_noise(first));
  EXPECT_FALSE(sampler.needs_noise(last));
  Sampler::History history;
  const auto x = torch::zeros({2});
  const auto noise = torch::tensor({1.f, -1.f});
  const auto got = sampler.advance(first, x, torch::zeros({2}), history, noise);
  EXPECT_TRUE(got.allclose(first.next_sigma * noise));
  EXPECT_NEAR(first.next_sigma, 0.757, 1e-3);
}

TEST(Sampler, RefusesWhatItCannotFollow) {
  const double rising[] = {500, 750};
  EXPECT_THROW(Sampler(Solver::unipc, 0, 5), base::Error);
  EXPECT_THROW(Sampler(Solver::unipc, 4, 0), base::Error);
  EXPECT_THROW(Sampler(Solver::unipc, 4, std::nan("")), base::Error);
  EXPECT_THROW(Sampler(Solver::dmd, 4, 8), base::Error);
  EXPECT_THROW(Sampler(Solver::lightx2v, rising, 5), base::Error);
  EXPECT_THROW(pipelines::solver_named("ddim"), base::Error);
}

TEST(Sampler, KnowsEverySolverByTheNameItGives) {
  for (const auto solver : {Solver::unipc, Solver::dpmpp, Solver::dmd}) {
    EXPECT_EQ(pipelines::solver_named(pipelines::name_of(solver)), solver);
  }
}

}  // namespace
