// SPDX-License-Identifier: Apache-2.0
#include "logging/log.h"

#include <gtest/gtest.h>

namespace {

constexpr auto* kTime = "2026-02-02T02:40:00.123Z";

TEST(Log, PlainLinesQuoteOnlyWhatNeedsIt) {
  EXPECT_EQ(
      logging::line(logging::Form::plain,
                    kTime,
                    logging::Level::info,
                    "task completed",
                    {{"task", "a1"}, {"seconds", 1.5}, {"worker", "the first"}, {"model", ""}}),
      "2026-02-02T02:40:00.123Z info  task completed  task=a1  seconds=1.5  "
      "worker=\"the first\"  model=\"\"");
}

TEST(Log, JsonLinesAreObjectsWithTheFieldsInOrder) {
  EXPECT_EQ(
      logging::line(logging::Form::json, kTime, logging::Level::error, "lost", {{"task", "a1"}}),
      R"({"time":"2026-02-02T02:40:00.123Z","level":"error","message":"lost","task":"a1"})");
}

TEST(Log, OneCallIsOneLineWhateverIsInIt) {
  for (const auto form : {logging::Form::plain, logging::Form::json}) {
    const auto line = logging::line(form,
                                    kTime,
                                    logging::Level::warning,
                                    "refused\nlevel=error forged",
                                    {{"path", "/a\r\nb\x1b[2J"}, {"peer", "\xff\xfe"}});
    EXPECT_EQ(line.find_first_of("\r\n\x1b"), std::string::npos) << line;
    EXPECT_EQ(line.find('\xff'), std::string::npos) << line;
  }
}

}  // namespace
