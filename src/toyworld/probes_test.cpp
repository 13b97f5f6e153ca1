// SPDX-License-Identifier: Apache-2.0
#include "toyworld/probes.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "specs/specs.h"

namespace {

using namespace toyworld;

Scene circle_at(double x, double y) {
  Object object;
  object.x = x;
  object.y = y;
  object.radius = 10;
  object.rgb = kColours[2].rgb;
  return {.background = 0, .objects = {object}};
}

TEST(Places, NameTheCellOfTheCentreFromEveryToken) {
  const auto centre = places_of(circle_at(56, 32), 1).centre_BL.reshape({4, 7});
  const auto at = [&](int64_t y, int64_t x) { return centre[y][x].item<int64_t>(); };
  // Rows of seven cells; the token's own centre is in the middle one.
  EXPECT_EQ(at(1, 3), 7 * 4 + 3);  // the centre lies 8 px below
  EXPECT_EQ(at(2, 3), 7 * 2 + 3);  // 8 px above
  EXPECT_EQ(at(1, 2), 7 * 4 + 5);  // and 16 px to the right
  EXPECT_EQ(at(1, 0), 49);         // too far to say
}

TEST(Places, CoverTheAreaOfTheObject) {
  const auto coverage = places_of(circle_at(56, 32), 1).coverage_BLP;
  EXPECT_EQ(coverage.sizes(), (std::vector<int64_t>{1, 28, 16}));
  EXPECT_NEAR(coverage.sum().item<double>() * 16, 314, 4);
  // The last row of cells of the token above the centre.
  EXPECT_NEAR(coverage[0][1 * 7 + 3][3 * 4 + 1].item<double>(), 1, 1e-6);
  EXPECT_NEAR(coverage[0][0].abs().max().item<double>(), 0, 1e-6);
}

TEST(Places, SayWhereTheTokenItselfIs) {
  const auto position = places_of(circle_at(56, 32), 5).position_BLA;
  ASSERT_EQ(position.sizes(), (std::vector<int64_t>{1, 2 * 28, 3}));
  const auto of = [&](int64_t token) { return position[0][token]; };
  EXPECT_TRUE(of(0).equal(torch::tensor({0, 0, 0})));
  EXPECT_TRUE(of(27).equal(torch::tensor({0, 3, 6})));
  EXPECT_TRUE(of(28 + 7 * 2 + 4).equal(torch::tensor({1, 2, 4})));
}

TEST(Places, FollowTheObjectThroughLatentFrames) {
  Scene scene = circle_at(56, 32);
  scene.objects.front().motion = Motion::right;
  scene.objects.front().speed = 16;
  scene.start = kLongestSeconds / 2;
  const auto places = places_of(scene, 9);
  const auto coverage = places.coverage_BLP.reshape({3, 4, 7, 4, 4});
  const auto column_F =
      (coverage.sum({1, 3, 4}) * torch::arange(7)).sum(1) / coverage.sum({1, 2, 3, 4});
  EXPECT_LT(column_F[0].item<double>(), column_F[1].item<double>());
  EXPECT_LT(column_F[1].item<double>(), column_F[2].item<double>());
  EXPECT_EQ(places.centre_BL.size(1), 3 * 28);
}

TEST(Probes, KnowNothingAtFirstAndLearnFromTheirTokens) {
  const auto& spec = specs::find_model("wan2.1-t2v-tiny")->dit;
  const auto tensors = new_dit_probes(spec);
  const auto places = places_of(circle_at(56, 32), 1);
  torch::manual_seed(1);
  const auto x_BLD = torch::randn({1, 28, spec.dim});
  const auto loss_after = [&](int steps) {
    double loss = 0;
    for (int i = 0; i <= steps; ++i) {
      DitProbes probes(tensors, spec);
      for (size_t block = 0; block < static_cast<size_t>(spec.num_layers); ++block) {
        probes.see(block, x_BLD);
      }
      const auto seen = probes.loss(places);
      loss = seen.centre.item<double>();
      (seen.centre + seen.coverage + seen.position).backward();
      const torch::NoGradGuard no_grad;
      for (const auto& [name, tensor] : tensors) {
        tensor.sub_(tensor.grad());
        tensor.mutable_grad() = Tensor();
      }
    }
    return loss;
  };
  EXPECT_NEAR(loss_after(0), std::log(50), 1e-4);
  EXPECT_LT(loss_after(100), 1);
}

TEST(Probes, StayOutOfTheWeights) {
  NamedTensors tensors = {{"head.head.weight", torch::ones({1})}};
  tensors.merge(new_dit_probes(specs::find_model("wan2.1-t2v-tiny")->dit));
  EXPECT_EQ(tensors.size(), 7u);
  const auto kept = without_probes(tensors);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept.begin()->first, "head.head.weight");
}

}  // namespace
