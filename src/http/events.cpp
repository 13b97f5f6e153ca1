// SPDX-License-Identifier: Apache-2.0
#include "http/events.h"

#include "base/text.h"

namespace http {
namespace {

constexpr std::string_view kLineEnds = "\r\n";

std::string one_line(std::string_view field, std::string_view text) {
  if (text.empty()) return {};
  return base::text(field, ": ", text.substr(0, text.find_first_of(kLineEnds)), '\n');
}

}  // namespace

std::string event_text(const Event& event) {
  std::string text = one_line("id", event.id) + one_line("event", event.name);
  std::string_view left = event.data;
  for (bool is_last = false; !is_last;) {
    const auto end = left.find_first_of(kLineEnds);
    is_last = end == std::string_view::npos;
    text += base::text("data: ", left.substr(0, end), '\n');
    if (is_last) break;
    left.remove_prefix(left.substr(end, 2) == "\r\n" ? end + 2 : end + 1);
  }
  return text + '\n';
}

}  // namespace http
