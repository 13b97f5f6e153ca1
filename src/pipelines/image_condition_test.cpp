// SPDX-License-Identifier: Apache-2.0
#include "pipelines/image_condition.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/error.h"

namespace {

using pipelines::i2v_size;
using pipelines::ti2v_fit;
using specs::Size;

TEST(ImageCondition, FitsTheReferenceSizes) {
  EXPECT_EQ(i2v_size({1920, 1080}, 720 * 1280), (Size{1280, 720}));
  EXPECT_EQ(i2v_size({1024, 1024}, 720 * 1280), (Size{960, 960}));
  EXPECT_EQ(i2v_size({1500, 1000}, 720 * 1280), (Size{1168, 768}));
  EXPECT_EQ(i2v_size({1024, 1024}, 480 * 832), (Size{624, 624}));
}

TEST(ImageCondition, KeepsTheRoundingOfTheReference) {
  EXPECT_EQ(i2v_size({832, 480}, 480 * 832), (Size{832, 464}));
  EXPECT_EQ(i2v_size({480, 832}, 480 * 832), (Size{480, 832}));
}

TEST(ImageCondition, PrefersTheHeightWhereBothCandidatesAreEquallyFar) {
  EXPECT_EQ(ti2v_fit({1000, 1000}, 704 * 1280).video, (Size{960, 928}));
  EXPECT_EQ(ti2v_fit({1920, 1080}, 704 * 1280).video, (Size{1248, 704}));
  EXPECT_EQ(ti2v_fit({1500, 1000}, 704 * 1280).video, (Size{1152, 768}));
}

TEST(ImageCondition, CoversTheVideoAndCropsTheMiddle) {
  const auto fit = ti2v_fit({1920, 1080}, 704 * 1280);
  EXPECT_EQ(fit.resized, (Size{1252, 704}));
  EXPECT_EQ(fit.left, 2);
  EXPECT_EQ(fit.top, 0);
}

TEST(ImageCondition, RefusesAShapeThatLeavesNoSide) {
  EXPECT_THROW(i2v_size({10000, 1}, 480 * 832), base::Error);
  EXPECT_THROW(ti2v_fit({10000, 1}, 32 * 32), base::Error);
}

TEST(ImageCondition, LanczosKeepsAFlatPictureFlat) {
  const auto flat = torch::full({7, 9, 3}, 137, torch::kUInt8);
  EXPECT_TRUE(pipelines::lanczos(flat, {20, 4}).eq(137).all().item<bool>());
}

TEST(ImageCondition, LanczosLeavesAPictureOfTheSameSizeAlone) {
  const auto picture = torch::arange(24, torch::kUInt8).reshape({2, 4, 3});
  EXPECT_TRUE(pipelines::lanczos(picture, {4, 2}).equal(picture));
}

}  // namespace
