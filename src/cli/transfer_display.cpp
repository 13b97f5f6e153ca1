// SPDX-License-Identifier: Apache-2.0
#include "cli/transfer_display.h"

#include "base/text.h"

namespace cli {
namespace {

constexpr double kWindowSeconds = 15;  // that the speed is measured over

double pause_of(ProgressStyle style) {
  return style == ProgressStyle::bar ? 0.2 : style == ProgressStyle::lines ? 10 : 1;
}

}  // namespace

TransferDisplay::TransferDisplay(ProgressStyle style,
                                 std::ostream& out,
                                 ProgressDisplay::Clock clock)
    : style_(style), out_(out), clock_(std::move(clock)) {}

double TransferDisplay::bytes_per_second(double now, uint64_t done) {
  // Another transfer has begun, or this one anew.
  if (!recent_.empty() && done < recent_.back().done) recent_.clear();
  recent_.push_back({now, done});
  while (recent_.size() > 2 && now - recent_[1].seconds > kWindowSeconds) recent_.pop_front();
  const auto& first = recent_.front();
  const double seconds = now - first.seconds;
  return seconds > 0 ? static_cast<double>(done - first.done) / seconds : 0;
}

void TransferDisplay::report(std::string_view what, uint64_t done, uint64_t total) {
  const double now = clock_();
  const bool is_last = total > 0 && done == total;
  if (now - shown_at_ < pause_of(style_) && !(is_last && style_ == ProgressStyle::bar)) return;
  shown_at_ = now;
  const double speed = bytes_per_second(now, done);
  const double left = speed > 0 ? static_cast<double>(total - done) / speed : 0;
  if (style_ == ProgressStyle::json) {
    out_ << base::Json{{"event", "transfer"},
                       {"file", what},
                       {"done", done},
                       {"total", total},
                       {"bytes_per_second", speed},
                       {"seconds_left", left}}
                .dump(-1, ' ', false, base::Json::error_handler_t::replace)
         << std::endl;
    return;
  }
  const auto of_total = total > 0 ? base::text(" of ", base::human_bytes(total)) : std::string();
  std::string line = base::human_bytes(done) + of_total;
  if (total > 0) line += base::text("  ", done * 100 / total, " %");
  if (speed > 0) line += base::text("  ", base::human_bytes(static_cast<uint64_t>(speed)), "/s");
  if (left > 0) line += base::text("  ", duration_text(left), " left");
  line += base::text("  ", what);
  constexpr const char* kRestart = "\r\x1b[K";
  is_on_line_ = style_ == ProgressStyle::bar;
  out_ << (is_on_line_ ? kRestart : "") << line << (is_on_line_ ? "" : "\n") << std::flush;
}

void TransferDisplay::end_line() {
  if (is_on_line_) out_ << '\n';
  is_on_line_ = false;
  out_.flush();
}

}  // namespace cli
