// SPDX-License-Identifier: Apache-2.0
// Building messages: text("no tensor ", name, " in ", file), and what they say of sizes and names.
#pragma once

#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace base {

// Everything streamed into one string.
template <typename... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// The items with `separator` between them.
template <typename Range>
std::string join(const Range& items, std::string_view separator) {
  std::ostringstream out;
  bool first = true;
  for (const auto& item : items) {
    if (!first) out << separator;
    out << item;
    first = false;
  }
  return out.str();
}

// 1536 -> "1.5 KiB", 28591071232 -> "26.6 GiB".
std::string human_bytes(unsigned long long bytes);

// The candidate that `word` was probably meant to be; empty when none is close.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace base
