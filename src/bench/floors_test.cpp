// SPDX-License-Identifier: Apache-2.0
#include "bench/floors.h"

#include <gtest/gtest.h>

#include "specs/cost.h"

namespace {

using namespace bench;

TEST(Floors, TakeLinearLayersAndAttentionAtTheirRates) {
  constexpr Floor kFloor = {"one and two", 1, 2};
  EXPECT_DOUBLE_EQ(least_seconds(kFloor, 10e12, 4e12), 6 + 2);
  EXPECT_DOUBLE_EQ(least_seconds(kFloor, 10e12, 0), 10);
}

TEST(Floors, FallWithPrecision) {
  for (size_t i = 1; i < h200_floors().size(); ++i) {
    EXPECT_LT(least_seconds(h200_floors()[i], 10e12, 4e12),
              least_seconds(h200_floors()[i - 1], 10e12, 4e12));
  }
}

// 6523 TFLOP, of which 4682 are self-attention: 1841 / 790 + 4682 / 693 seconds.
TEST(Floors, OfTheLargestModelAt720p) {
  const auto& model = *specs::find_model("wan2.2-t2v-a14b");
  const auto shape = specs::latent_shape(model.vae, {1280, 720}, 81);
  const double seconds = least_seconds(h200_floors()[0],
                                       specs::dit_flops(model.dit, shape),
                                       specs::dit_self_attention_flops(model.dit, shape));
  EXPECT_NEAR(seconds, 9.09, 0.02);
}

}  // namespace
