// SPDX-License-Identifier: Apache-2.0
// Shows how far a long transfer is: one line that changes on a terminal, lines now and then
// elsewhere, or one JSON event per line.
#pragma once

#include <cstdint>
#include <deque>
#include <ostream>
#include <string>
#include <string_view>

#include "cli/progress_display.h"

namespace cli {

class TransferDisplay {
 public:
  TransferDisplay(ProgressStyle style,
                  std::ostream& out,
                  ProgressDisplay::Clock clock = ProgressDisplay::monotonic_seconds);

  // May be called as often as one likes. `what` is at hand; total 0: it is not known.
  void report(std::string_view what, uint64_t done, uint64_t total);

  // Ends the line that is shown.
  void end_line();

 private:
  struct Sample {
    double seconds = 0;
    uint64_t done = 0;
  };
  double bytes_per_second(double now, uint64_t done);

  ProgressStyle style_;
  std::ostream& out_;
  ProgressDisplay::Clock clock_;
  std::deque<Sample> recent_;  // of the last seconds
  double shown_at_ = -1e9;
  bool is_on_line_ = false;
};

}  // namespace cli
