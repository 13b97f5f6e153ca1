// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>

namespace {

base::Error caught(const auto& thrown) {
  try {
    throw thrown;
  } catch (...) {
    return base::current_error();
  }
}

TEST(CurrentError, KeepsAnErrorAsItIs) {
  const auto error = caught(base::Error(base::Fault::exhausted, "disk full", "sda1"));
  EXPECT_EQ(error.fault(), base::Fault::exhausted);
  EXPECT_STREQ(error.what(), "disk full");
  EXPECT_EQ(error.detail(), "sda1");
}

TEST(CurrentError, HidesAStrangersTextFromTheCaller) {
  const auto error = caught(std::runtime_error("secret path"));
  EXPECT_EQ(error.fault(), base::Fault::internal);
  EXPECT_STREQ(error.what(), "internal error");
  EXPECT_EQ(error.detail(), "secret path");
}

TEST(CurrentError, SurvivesWhatIsNoException) {
  EXPECT_EQ(caught(42).fault(), base::Fault::internal);
}

}  // namespace
