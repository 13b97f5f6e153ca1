// SPDX-License-Identifier: Apache-2.0
#include "objects/label.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "text/utf8.h"

namespace objects {
namespace {

constexpr size_t kMaxLabel = 255;
constexpr size_t kMaxPathPart = 64;

// Controls would break a header or a terminal; a mark of direction makes "gpj.exe" of "exe.jpg".
bool is_shown(char32_t code) {
  const bool is_control = code < 0x20 || (code >= 0x7f && code < 0xa0);
  const bool is_line_end = code == 0x2028 || code == 0x2029;
  const bool is_direction = code == 0x061c || code == 0x200e || code == 0x200f ||
                            (code >= 0x202a && code <= 0x202e) ||
                            (code >= 0x2066 && code <= 0x2069);
  return !is_control && !is_line_end && !is_direction;
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string label(std::string_view name) {
  if (const auto folder = name.find_last_of("/\\"); folder != std::string_view::npos) {
    name.remove_prefix(folder + 1);
  }
  std::string shown;
  while (!name.empty()) {
    const auto character = text::first_character(name);
    const size_t bytes = character ? character->bytes : 1;
    if (character && is_shown(character->value)) {
      if (shown.size() + bytes > kMaxLabel) break;
      shown += name.substr(0, bytes);
    }
    name.remove_prefix(bytes);
  }
  const bool is_dots = shown.find_first_not_of(". ") == std::string::npos;
  return is_dots ? "file" : shown;
}

void check_path_part(std::string_view name, std::string_view what) {
  const auto is_allowed = [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
  };
  if (name.empty() || name.size() > kMaxPathPart || !is_letter_or_digit(name[0]) ||
      !std::ranges::all_of(name, is_allowed)) {
    throw base::Error(base::Fault::invalid,
                      base::text(what,
                                 ": \"",
                                 label(name),
                                 "\" is not 1 to ",
                                 kMaxPathPart,
                                 " letters, digits, '.', '_' and '-' that begin with a letter or "
                                 "digit"));
  }
}

}  // namespace objects
