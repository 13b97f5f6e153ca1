// SPDX-License-Identifier: Apache-2.0
// Shows where a long computation is: a bar on a terminal, plain lines elsewhere, or one JSON event
// per line.
#pragma once

#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <string_view>

#include "base/json.h"

namespace cli {

enum class ProgressStyle { bar, lines, json };

class ProgressDisplay {
 public:
  // Seconds since any fixed point.
  using Clock = std::function<double()>;
  static double monotonic_seconds();

  ProgressDisplay(ProgressStyle style, std::ostream& out, Clock clock = monotonic_seconds);

  // done = 0 begins a phase. total 0: its number of steps is not known. Another phase may come
  // between two steps; its time does not count for them.
  void report(std::string_view phase, int done, int total);

  // Any other event: one line of JSON, nothing in the other styles.
  void event(std::string_view name, base::Json fields);

  // Ends the line that a bar is on.
  void end_line();

 private:
  struct Pace {
    double per_step = 0, left = 0;
  };
  Pace pace(int done, int total) const;
  void show_bar(int done, int total);
  void show_line(int done, int total);
  void show_event(int done, int total);

  ProgressStyle style_;
  std::ostream& out_;
  Clock clock_;
  std::string phase_;
  std::map<std::string, double> spent_;  // seconds, by phase
  double last_report_ = 0, last_line_ = 0;
  bool is_on_bar_ = false;
};

// 7.25 -> "7.2 s", 75 -> "1:15", 4000 -> "1:06:40".
std::string duration_text(double seconds);

}  // namespace cli
