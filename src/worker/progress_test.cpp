// SPDX-License-Identifier: Apache-2.0
#include "worker/progress.h"

#include <gtest/gtest.h>

namespace {

using pipelines::Phase;
using worker::ProgressEstimate;

TEST(Progress, GrowsFromTheTextToTheLastFrame) {
  ProgressEstimate estimate;
  EXPECT_EQ(estimate.at(Phase::load, 10, 20, 0).percent, 0);
  EXPECT_EQ(estimate.at(Phase::text, 1, 1, 0).percent, 2);
  EXPECT_EQ(estimate.at(Phase::denoise, 20, 40, 0).percent, 46);
  EXPECT_EQ(estimate.at(Phase::denoise, 40, 40, 0).percent, 90);
  EXPECT_EQ(estimate.at(Phase::decode, 81, 81, 0).percent, 99);
}

TEST(Progress, DoesNotGoBackWhileTheOtherExpertIsLoaded) {
  ProgressEstimate estimate;
  estimate.at(Phase::denoise, 20, 40, 0);
  const auto loading = estimate.at(Phase::load, 0, 20, 0);
  EXPECT_EQ(loading.phase, "load");
  EXPECT_EQ(loading.percent, 46);
}

TEST(Progress, KnowsWhatIsLeftOnceAStepIsDone) {
  ProgressEstimate estimate;
  EXPECT_FALSE(estimate.at(Phase::text, 1, 1, 0).eta_seconds);
  EXPECT_FALSE(estimate.at(Phase::denoise, 0, 10, 1'000).eta_seconds);
  // 9 steps of 2 s, and a tenth of all 10 for the decoder.
  EXPECT_NEAR(*estimate.at(Phase::denoise, 1, 10, 3'000).eta_seconds, 18 + 2, 0.1);
  EXPECT_NEAR(*estimate.at(Phase::denoise, 2, 10, 5'000).eta_seconds, 16 + 2, 0.1);
  estimate.at(Phase::decode, 0, 5, 20'000);
  EXPECT_NEAR(*estimate.at(Phase::decode, 1, 5, 21'000).eta_seconds, 4, 0.01);
}

TEST(Progress, DoesNotTakeLoadingForSteps) {
  ProgressEstimate estimate;
  estimate.at(Phase::denoise, 0, 10, 0);
  estimate.at(Phase::denoise, 1, 10, 2'000);
  estimate.at(Phase::load, 0, 20, 2'000);
  estimate.at(Phase::load, 20, 20, 90'000);
  EXPECT_NEAR(*estimate.at(Phase::denoise, 2, 10, 92'000).eta_seconds, 16 + 2, 0.1);
}

TEST(Progress, SumsUpWhatEachPhaseTook) {
  ProgressEstimate estimate;
  estimate.at(Phase::load, 0, 0, 1'000'000);
  estimate.at(Phase::denoise, 0, 2, 1'000'000);
  estimate.at(Phase::denoise, 1, 2, 1'002'000);
  estimate.at(Phase::load, 0, 20, 1'002'000);
  estimate.at(Phase::load, 20, 20, 1'090'000);
  estimate.at(Phase::denoise, 2, 2, 1'092'000);
  const std::map<Phase, int64_t> expected = {{Phase::load, 88'000}, {Phase::denoise, 4'000}};
  EXPECT_EQ(estimate.phases(), expected);
  EXPECT_EQ(estimate.denoising_steps(), 2);
}

}  // namespace
