// SPDX-License-Identifier: Apache-2.0
#include "text/utf8.h"

#include <cstdint>

#include "base/error.h"
#include "base/text.h"

namespace text {
namespace {

// Bytes that a first byte announces; 0 for a byte that starts nothing.
size_t announced(uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return 0;
}

constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};  // by number of bytes

}  // namespace

std::optional<Character> first_character(std::string_view bytes) {
  if (bytes.empty()) return std::nullopt;
  const auto first = static_cast<uint8_t>(bytes[0]);
  const auto count = announced(first);
  if (count == 0 || count > bytes.size()) return std::nullopt;
  if (count == 1) return Character{first, 1};
  char32_t value = first & (0xFFu >> (count + 1));
  for (size_t i = 1; i < count; ++i) {
    const auto next = static_cast<uint8_t>(bytes[i]);
    if ((next & 0xC0) != 0x80) return std::nullopt;
    value = value << 6 | (next & 0x3F);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[count] || value > 0x10FFFF || surrogate) return std::nullopt;
  return Character{value, count};
}

Character next_character(std::string_view valid) {
  return first_character(valid).value();
}

void check_utf8(std::string_view bytes, std::string_view what) {
  for (size_t at = 0; at < bytes.size();) {
    const auto character = first_character(bytes.substr(at));
    if (!character) {
      throw base::Error(base::Fault::invalid,
                        base::text(what, " is not valid UTF-8: bad byte at position ", at));
    }
    at += character->bytes;
  }
}

std::u32string decode(std::string_view valid) {
  std::u32string characters;
  characters.reserve(valid.size());
  while (!valid.empty()) {
    const auto character = next_character(valid);
    characters.push_back(character.value);
    valid.remove_prefix(character.bytes);
  }
  return characters;
}

std::string encode(std::u32string_view characters) {
  std::string bytes;
  bytes.reserve(characters.size());
  for (const char32_t character : characters) append(bytes, character);
  return bytes;
}

void append(std::string& to, char32_t character) {
  const auto tail = [&](int shift) {
    to.push_back(static_cast<char>(0x80 | (character >> shift & 0x3F)));
  };
  if (character < 0x80) {
    to.push_back(static_cast<char>(character));
  } else if (character < 0x800) {
    to.push_back(static_cast<char>(0xC0 | character >> 6));
    tail(0);
  } else if (character < 0x10000) {
    to.push_back(static_cast<char>(0xE0 | character >> 12));
    tail(6);
    tail(0);
  } else {
    to.push_back(static_cast<char>(0xF0 | character >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

}  // namespace text
