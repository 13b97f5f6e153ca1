// SPDX-License-Identifier: Apache-2.0
#include "api/rate_limiter.h"

#include <gtest/gtest.h>

namespace {

TEST(RateLimiter, ABurstOfAMinutesCallsIsLetThroughAndNoMore) {
  api::RateLimiter limiter;
  for (int call = 0; call < 20; ++call) EXPECT_EQ(limiter.wait_ms("key", 20, 1000), 0) << call;
  EXPECT_EQ(limiter.wait_ms("key", 20, 1000), 3000);
}

TEST(RateLimiter, CallsComeBackOneByOne) {
  api::RateLimiter limiter;
  for (int call = 0; call < 20; ++call) limiter.wait_ms("key", 20, 0);
  EXPECT_EQ(limiter.wait_ms("key", 20, 2999), 1);
  EXPECT_EQ(limiter.wait_ms("key", 20, 3000), 0);
  EXPECT_EQ(limiter.wait_ms("key", 20, 3000), 3000);
}

TEST(RateLimiter, ARefusedCallCostsNothing) {
  api::RateLimiter limiter;
  limiter.wait_ms("key", 1, 0);
  for (int call = 0; call < 100; ++call) EXPECT_GT(limiter.wait_ms("key", 1, 30'000), 0);
  EXPECT_EQ(limiter.wait_ms("key", 1, 60'000), 0);
}

TEST(RateLimiter, CallersDoNotShare) {
  api::RateLimiter limiter;
  EXPECT_EQ(limiter.wait_ms("one", 1, 0), 0);
  EXPECT_EQ(limiter.wait_ms("two", 1, 0), 0);
}

TEST(RateLimiter, AnyLimitIsALimit) {
  api::RateLimiter limiter;
  EXPECT_EQ(limiter.wait_ms("none", INT64_MAX, 0), 0);
  EXPECT_EQ(limiter.wait_ms("none", INT64_MAX, 0), 0);
  EXPECT_EQ(limiter.wait_ms("zero", 0, 0), 0);
  EXPECT_EQ(limiter.wait_ms("zero", 0, 0), 60'000);
}

TEST(RateLimiter, ForgetsThoseWhoAreSilent) {
  api::RateLimiter limiter;
  for (int i = 0; i < 100'000; ++i) limiter.wait_ms(std::to_string(i), 60, int64_t{i} * 1000);
  EXPECT_LT(limiter.size(), 3000u);
}

}  // namespace
