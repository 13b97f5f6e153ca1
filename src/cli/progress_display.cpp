// SPDX-License-Identifier: Apache-2.0
#include "cli/progress_display.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "base/text.h"

namespace cli {
namespace {

constexpr int kBarWidth = 24;

template <typename... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, values...);
  return buffer.data();
}

std::string bar(int done, int total) {
  const int filled = done * kBarWidth / total;
  return '[' + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + ']';
}

std::string pace_text(double per_step, double left) {
  const auto* format = per_step < 10 ? "%.2f s/step" : "%.1f s/step";
  return base::text(formatted(format, per_step), ", ", duration_text(left), " left");
}

}  // namespace

double ProgressDisplay::monotonic_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

ProgressDisplay::ProgressDisplay(ProgressStyle style, std::ostream& out, Clock clock)
    : style_(style), out_(out), clock_(std::move(clock)) {}

void ProgressDisplay::report(std::string_view phase, int done, int total) {
  const double now = clock_();
  if (done == 0 || phase != phase_) end_line();
  phase_ = phase;
  // The time since the last report went into the step that is reported now.
  auto& spent = spent_[phase_];
  spent = done == 0 ? 0 : spent + now - last_report_;
  last_report_ = now;
  switch (style_) {
    case ProgressStyle::bar:
      show_bar(done, total);
      break;
    case ProgressStyle::lines:
      show_line(done, total);
      break;
    case ProgressStyle::json:
      show_event(done, total);
      break;
  }
  out_.flush();
}

ProgressDisplay::Pace ProgressDisplay::pace(int done, int total) const {
  const double per_step = done == 0 ? 0 : spent_.at(phase_) / done;
  return {per_step, per_step * (total - done)};
}

// A phase of one step, or of an unknown number, shows no bar: only its name and, at the end, time.
void ProgressDisplay::show_bar(int done, int total) {
  constexpr const char* kRestart = "\r\x1b[K";
  const auto [per_step, left] = pace(done, total);
  out_ << kRestart << phase_;
  if (total > 1) {
    out_ << ' ' << bar(done, total) << ' ' << done << '/' << total;
    if (done > 0 && done < total) out_ << "  " << pace_text(per_step, left);
  }
  if (done > 0 && done == total) out_ << "  " << duration_text(spent_.at(phase_));
  is_on_bar_ = true;
}

// At most a line a second between the first and the last: a log is read by people.
void ProgressDisplay::show_line(int done, int total) {
  const bool is_between = done > 0 && done < total;
  if (is_between && last_report_ - last_line_ < 1) return;
  last_line_ = last_report_;
  out_ << phase_;
  if (is_between) {
    const auto [per_step, left] = pace(done, total);
    out_ << ' ' << done << '/' << total << "  " << pace_text(per_step, left);
  } else if (done > 0) {
    out_ << ": done in " << duration_text(spent_.at(phase_));
  } else if (total > 1) {
    out_ << ": " << total << " steps";
  }
  out_ << '\n';
}

void ProgressDisplay::show_event(int done, int total) {
  if (done == 0) {
    event("phase", {{"phase", phase_}, {"total", total}});
    return;
  }
  const auto [per_step, left] = pace(done, total);
  event("step",
        {{"phase", phase_},
         {"done", done},
         {"total", total},
         {"seconds_per_step", per_step},
         {"seconds_left", left}});
}

void ProgressDisplay::event(std::string_view name, base::Json fields) {
  if (style_ != ProgressStyle::json) return;
  fields["event"] = name;
  // A message may quote the user's bytes, which need not be UTF-8.
  out_ << fields.dump(-1, ' ', false, base::Json::error_handler_t::replace) << '\n';
  out_.flush();
}

void ProgressDisplay::end_line() {
  if (is_on_bar_) out_ << '\n';
  is_on_bar_ = false;
  out_.flush();
}

std::string duration_text(double seconds) {
  if (seconds < 59.95) return formatted("%.1f s", seconds);
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 3600) return formatted("%ld:%02ld", whole / 60, whole % 60);
  return formatted("%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace cli
