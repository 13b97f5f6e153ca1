// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <chrono>
#include <cstdio>
#include <ctime>

#include "base/error.h"

namespace base {
namespace {

constexpr int64_t kMillisPerDay = 86'400'000;

int64_t read_clock(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

[[noreturn]] void refuse(const std::string& text, const std::string& what) {
  throw Error(Fault::invalid,
              what + ": \"" + text + "\" is not a time such as 2026-02-02T02:40:00Z");
}

// What follows the seconds: a fraction and a time zone, both optional.
int64_t read_rest(const std::string& text, size_t at, const std::string& what) {
  int64_t millis = 0;
  if (at < text.size() && text[at] == '.') {
    int64_t scale = 100;
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) {
      millis += (text[at] - '0') * scale;
    }
  }
  if (at == text.size() || text.substr(at) == "Z") return millis;
  int hours = 0;
  int minutes = 0;
  int read = 0;
  const char sign = text[at];
  const bool is_zone =
      std::sscanf(text.c_str() + at + 1, "%2d:%2d%n", &hours, &minutes, &read) == 2;
  if ((sign != '+' && sign != '-') || !is_zone ||
      at + 1 + static_cast<size_t>(read) != text.size()) {
    refuse(text, what);
  }
  const int64_t offset = (int64_t{hours} * 60 + minutes) * 60'000;
  return sign == '+' ? millis - offset : millis + offset;
}

}  // namespace

Clock system_clock() {
  return {.wall = [] { return read_clock(CLOCK_REALTIME); },
          .steady = [] { return read_clock(CLOCK_BOOTTIME); }};
}

std::string iso8601(int64_t wall_ms) {
  const auto seconds = static_cast<time_t>(wall_ms / 1000);
  tm utc{};
  ::gmtime_r(&seconds, &utc);
  char date[32];
  const auto length = std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(wall_ms % 1000));
  return std::string(date, length) + fraction;
}

int64_t parse_iso8601(const std::string& text, const std::string& what) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, read = 0;
  const int fields = std::sscanf(text.c_str(),
                                 "%4d-%2d-%2d%n%*1[T ]%2d:%2d:%2d%n",
                                 &year,
                                 &month,
                                 &day,
                                 &read,
                                 &hour,
                                 &minute,
                                 &second,
                                 &read);
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  const bool is_date_alone = fields == 3 && static_cast<size_t>(read) == text.size();
  if ((fields != 6 && !is_date_alone) || !date.ok()) refuse(text, what);
  if (hour > 23 || minute > 59 || second > 60) refuse(text, what);
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t seconds = (int64_t{hour} * 60 + minute) * 60 + second;
  const auto rest = is_date_alone ? 0 : read_rest(text, static_cast<size_t>(read), what);
  return days * kMillisPerDay + seconds * 1000 + rest;
}

}  // namespace base
