// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace {

TEST(Clock, TimesAreWrittenInUtcWithMilliseconds) {
  EXPECT_EQ(base::iso8601(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(base::iso8601(1770000000123), "2026-02-02T02:40:00.123Z");
}

TEST(Clock, ReadsWhatItWrites) {
  for (const int64_t time : {int64_t{0}, int64_t{1770000000123}, int64_t{951782399999}}) {
    EXPECT_EQ(base::parse_iso8601(base::iso8601(time), "time"), time);
  }
}

TEST(Clock, ReadsTheFormsThatClientsSend) {
  const int64_t noon = 1770033600000;
  for (const auto* text : {"2026-02-02T12:00:00Z",
                           "2026-02-02T12:00:00",
                           "2026-02-02 12:00:00",
                           "2026-02-02T12:00:00.000000000Z",
                           "2026-02-02T14:00:00+02:00",
                           "2026-02-02T04:30:00.0-07:30"}) {
    EXPECT_EQ(base::parse_iso8601(text, "time"), noon) << text;
  }
  EXPECT_EQ(base::parse_iso8601("2026-02-02", "time"), noon - 12 * 3600 * 1000);
}

TEST(Clock, RefusesWhatIsNoTime) {
  for (const auto* text : {"",
                           "today",
                           "2026-02-30",
                           "2026-13-01",
                           "2026-02-02T",
                           "2026-02-02T25:00:00Z",
                           "2026-02-02T12:00:00 Z",
                           "2026-02-02T12:00:00+2",
                           "2026-02-02T12:00:00Zulu"}) {
    EXPECT_THROW(base::parse_iso8601(text, "time"), base::Error) << text;
  }
}

TEST(Clock, SteadyTimeNeverGoesBack) {
  const auto clock = base::system_clock();
  const auto before = clock.steady();
  EXPECT_GE(clock.steady(), before);
}

}  // namespace
