// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <gtest/gtest.h>

namespace {

constexpr std::string_view kNames[] = {"prompt", "negative_prompt", "seed"};

TEST(Text, FindsTheNameThatWasProbablyMeant) {
  EXPECT_EQ(base::nearest("promt", kNames), "prompt");
  EXPECT_EQ(base::nearest("negativ_promt", kNames), "negative_prompt");
  EXPECT_EQ(base::nearest("seed", kNames), "seed");
}

TEST(Text, SuggestsNothingForAWordThatIsLikeNone) {
  EXPECT_EQ(base::nearest("loras", kNames), "");
  EXPECT_EQ(base::nearest("", kNames), "");
  EXPECT_EQ(base::nearest("seed", {}), "");
  EXPECT_EQ(base::nearest(std::string(1'000'000, 'p'), kNames), "");
}

}  // namespace
