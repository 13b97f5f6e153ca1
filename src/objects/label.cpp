// SPDX-License-Identifier: Apache-2.0
#include "objects/label.h"

#include <algorithm>
#include <cstdint>

#include "base/error.h"
#include "base/text.h"

namespace objects {
namespace {

constexpr size_t kMaxLabel = 255;
constexpr size_t kMaxPathPart = 64;

// One character of UTF-8, or a byte that is none.
struct Character {
  size_t bytes = 1;
  uint32_t code = 0;
  bool is_valid = false;
};

// RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
Character first_of(std::string_view text) {
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {1, lead, true};
  const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc0 || lead >= 0xf8 || text.size() < bytes) return {};
  uint32_t code = lead & (0xffu >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return {};
    code = code << 6 | (byte & 0x3f);
  }
  const bool is_surrogate = code >= 0xd800 && code < 0xe000;
  if (code < kLeast[bytes] || is_surrogate || code > 0x10ffff) return {};
  return {bytes, code, true};
}

// Controls would break a header or a terminal; a mark of direction makes "gpj.exe" of "exe.jpg".
bool is_shown(uint32_t code) {
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
    const auto character = first_of(name);
    if (character.is_valid && is_shown(character.code)) {
      if (shown.size() + character.bytes > kMaxLabel) break;
      shown += name.substr(0, character.bytes);
    }
    name.remove_prefix(character.bytes);
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
