// SPDX-License-Identifier: Apache-2.0
// Time as a value that is handed in, so that tests own it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace base {

// Milliseconds. `wall` counts from 1970-01-01 UTC and is for people: it may jump. `steady` counts
// from the machine's start, sleep included, and is for deadlines: it never jumps.
struct Clock {
  std::function<int64_t()> wall;
  std::function<int64_t()> steady;
};

Clock system_clock();

// 1770000000123 -> "2026-02-02T02:40:00.123Z".
std::string iso8601(int64_t wall_ms);

// The reverse, for "2026-02-02T02:40:00Z", with or without a fraction of a second and with "Z",
// "+02:00" or nothing, which is UTC, at its end; also for a date alone. Throws Error(invalid) that
// starts with `what`.
int64_t parse_iso8601(const std::string& text, const std::string& what);

}  // namespace base
