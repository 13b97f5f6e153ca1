// SPDX-License-Identifier: Apache-2.0
#include "bench/measure.h"

#include <gtest/gtest.h>
#include <torch/types.h>

namespace {

using namespace bench;

TEST(Timing, TakesTheMiddleOfAnOddCount) {
  const Timing timing{{3, 1, 2}};
  EXPECT_DOUBLE_EQ(timing.median(), 2);
  EXPECT_DOUBLE_EQ(timing.fastest(), 1);
  EXPECT_DOUBLE_EQ(timing.slowest(), 3);
}

TEST(Timing, TakesTheMeanOfTheMiddleTwoOfAnEvenCount) {
  EXPECT_DOUBLE_EQ((Timing{{8, 1, 2, 4}}.median()), 3);
}

TEST(Measure, CountsEveryRunButTheFirst) {
  int runs = 0;
  const auto timing = measure(torch::kCPU, 3, [&] { ++runs; });
  EXPECT_EQ(runs, 4);
  ASSERT_EQ(timing.seconds.size(), 3u);
  EXPECT_GE(timing.fastest(), 0);
}

TEST(Measure, DescribesTheProcessor) {
  const auto words = describe(torch::kCPU);
  EXPECT_TRUE(words.starts_with("cpu (")) << words;
  EXPECT_TRUE(words.ends_with(" threads)")) << words;
}

TEST(Measure, CountsTheMemoryOfThisProcess) {
  EXPECT_GT(peak_bytes(torch::kCPU), int64_t{1} << 20);
}

}  // namespace
