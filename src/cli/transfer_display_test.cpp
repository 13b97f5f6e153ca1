// SPDX-License-Identifier: Apache-2.0
#include "cli/transfer_display.h"

#include <algorithm>
#include <sstream>

#include <gtest/gtest.h>

namespace {

constexpr uint64_t kMiB = 1 << 20;

struct Fixture {
  explicit Fixture(cli::ProgressStyle style) : display(style, out, [this] { return seconds; }) {}

  std::ostringstream out;
  double seconds = 100;
  cli::TransferDisplay display;
};

TEST(TransferDisplay, TellsSizeShareSpeedAndTimeLeft) {
  Fixture f(cli::ProgressStyle::bar);
  f.display.report("a.safetensors", 0, 100 * kMiB);
  f.seconds += 2;
  f.display.report("a.safetensors", 20 * kMiB, 100 * kMiB);
  f.display.end_line();
  EXPECT_EQ(f.out.str(),
            "\r\x1b[K0 B of 100.0 MiB  0 %  a.safetensors"
            "\r\x1b[K20.0 MiB of 100.0 MiB  20 %  10.0 MiB/s  8.0 s left  a.safetensors\n");
}

TEST(TransferDisplay, WritesALineNowAndThenWhereThereIsNoTerminal) {
  Fixture f(cli::ProgressStyle::lines);
  for (int i = 0; i <= 100; ++i, f.seconds += 0.5) f.display.report("a", i * kMiB, 100 * kMiB);
  EXPECT_EQ(std::ranges::count(f.out.str(), '\n'), 6);
}

TEST(TransferDisplay, ForgetsTheSpeedOfLongAgo) {
  Fixture f(cli::ProgressStyle::json);
  for (int i = 0; i < 100; ++i, f.seconds += 1) f.display.report("a", i * 100, 100'000);
  for (int i = 0; i < 100; ++i, f.seconds += 1) f.display.report("a", 10'000 + i * 10, 100'000);
  const auto out = f.out.str();
  const auto last = out.substr(out.rfind("\"bytes_per_second\":") + 19);
  EXPECT_NEAR(std::stod(last), 10, 0.1);
}

TEST(TransferDisplay, TakesATransferThatBeginsAnewForSlowNotForBackward) {
  Fixture f(cli::ProgressStyle::bar);
  f.display.report("a", 50 * kMiB, 100 * kMiB);
  f.seconds += 1;
  f.display.report("a", 0, 100 * kMiB);
  EXPECT_TRUE(f.out.str().ends_with("0 B of 100.0 MiB  0 %  a"));
}

}  // namespace
