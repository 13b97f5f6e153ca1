// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_display.h"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

namespace {

// A display whose clock the test turns.
struct Fixture {
  explicit Fixture(cli::ProgressStyle style) : display(style, out, [this] { return seconds; }) {}

  std::ostringstream out;
  double seconds = 100;
  cli::ProgressDisplay display;
};

TEST(ProgressDisplay, WritesOnePlainLinePerStep) {
  Fixture f(cli::ProgressStyle::lines);
  f.display.report("denoise", 0, 4);
  f.seconds += 1;
  f.display.report("denoise", 1, 4);
  f.seconds += 3;
  f.display.report("denoise", 4, 4);
  EXPECT_EQ(f.out.str(),
            "denoise: 4 steps\n"
            "denoise 1/4  1.00 s/step, 3.0 s left\n"
            "denoise: done in 4.0 s\n");
}

TEST(ProgressDisplay, WritesAtMostOneLineASecondBetweenTheFirstAndTheLast) {
  Fixture f(cli::ProgressStyle::lines);
  f.display.report("denoise", 0, 40);
  for (int step = 1; step <= 40; ++step) {
    f.seconds += 0.25;
    f.display.report("denoise", step, 40);
  }
  const auto out = f.out.str();
  EXPECT_EQ(std::ranges::count(out, '\n'), 1 + 9 + 1);
}

TEST(ProgressDisplay, DoesNotCountAPhaseInBetweenForTheSteps) {
  Fixture f(cli::ProgressStyle::lines);
  f.display.report("denoise", 0, 4);
  f.seconds += 2;
  f.display.report("denoise", 1, 4);
  f.display.report("load", 0, 2);
  f.seconds += 50;
  f.display.report("load", 2, 2);
  f.seconds += 2;
  f.display.report("denoise", 2, 4);
  EXPECT_EQ(f.out.str(),
            "denoise: 4 steps\n"
            "denoise 1/4  2.00 s/step, 6.0 s left\n"
            "load: 2 steps\n"
            "load: done in 50.0 s\n"
            "denoise 2/4  2.00 s/step, 4.0 s left\n");
}

TEST(ProgressDisplay, RedrawsTheBarInPlaceAndStartsALinePerPhase) {
  Fixture f(cli::ProgressStyle::bar);
  f.display.report("denoise", 0, 2);
  f.seconds += 90;
  f.display.report("denoise", 1, 2);
  f.display.report("decode", 0, 1);
  f.display.end_line();
  EXPECT_EQ(f.out.str(),
            "\r\x1b[Kdenoise [........................] 0/2"
            "\r\x1b[Kdenoise [############............] 1/2  90.0 s/step, 1:30 left"
            "\n\r\x1b[Kdecode\n");
}

TEST(ProgressDisplay, WritesEventsAsOneJsonObjectPerLine) {
  Fixture f(cli::ProgressStyle::json);
  f.display.report("denoise", 0, 2);
  f.seconds += 0.5;
  f.display.report("denoise", 1, 2);
  f.display.event("error", {{"message", "bad byte \xff"}});
  std::istringstream lines(f.out.str());
  std::vector<base::Json> events;
  for (std::string line; std::getline(lines, line);) events.push_back(base::Json::parse(line));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0], (base::Json{{"event", "phase"}, {"phase", "denoise"}, {"total", 2}}));
  EXPECT_EQ(events[1]["event"], "step");
  EXPECT_EQ(events[1]["seconds_left"], 0.5);
  EXPECT_EQ(events[2]["message"], "bad byte \uFFFD");
}

TEST(ProgressDisplay, KeepsEventsToTheJsonStyle) {
  Fixture f(cli::ProgressStyle::lines);
  f.display.event("plan", {{"a", 1}});
  EXPECT_EQ(f.out.str(), "");
}

TEST(DurationText, ChangesItsFormWithItsLength) {
  EXPECT_EQ(cli::duration_text(7.25), "7.2 s");
  EXPECT_EQ(cli::duration_text(59.96), "1:00");
  EXPECT_EQ(cli::duration_text(75), "1:15");
  EXPECT_EQ(cli::duration_text(4000), "1:06:40");
}

}  // namespace
