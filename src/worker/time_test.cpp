// SPDX-License-Identifier: Apache-2.0
#include "worker/time.h"

#include <atomic>
#include <future>

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;

TEST(Ticker, TicksUntilItIsLetGoOf) {
  std::promise<void> third;
  std::atomic<int> ticks = 0;
  auto ticking = worker::system_time().every(1ms, [&] {
    if (++ticks == 3) third.set_value();
  });
  third.get_future().wait();
  ticking.reset();
  const int at_the_end = ticks;
  EXPECT_GE(at_the_end, 3);
  EXPECT_EQ(ticks, at_the_end);
}

TEST(Ticker, EndsAtOnceHoweverLongItsInterval) {
  int ticks = 0;
  {
    const auto ticking = worker::system_time().every(1h, [&] { ++ticks; });
  }
  EXPECT_EQ(ticks, 0);
}

}  // namespace
