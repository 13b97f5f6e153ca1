// SPDX-License-Identifier: Apache-2.0
#include "text/html.h"

#include <algorithm>
#include <optional>

#include "text/windows_1252.h"

namespace text {
namespace {

constexpr size_t kLongestName = 32;        // without the semicolon
constexpr size_t kLongestClosedName = 24;  // ftfy.fixes.HTML_ENTITY_RE

bool is_digit(char32_t c) {
  return c >= U'0' && c <= U'9';
}

bool is_hex_digit(char32_t c) {
  return is_digit(c) || (c >= U'a' && c <= U'f') || (c >= U'A' && c <= U'F');
}

bool is_letter_or_digit(char32_t c) {
  return is_digit(c) || (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z');
}

template <typename Is>
size_t count_while(std::u32string_view text, size_t most, Is is) {
  size_t count = 0;
  while (count < text.size() && count < most && is(text[count])) ++count;
  return count;
}

std::string ascii(std::u32string_view text) {
  std::string result;
  for (const char32_t c : text) result.push_back(c < 0x80 ? static_cast<char>(c) : '\x7F');
  return result;
}

std::optional<std::u32string> find_entity(std::string_view name) {
  const auto found = std::ranges::lower_bound(html_entities(), name, {}, &HtmlEntity::name);
  if (found == html_entities().end() || found->name != name) return std::nullopt;
  std::u32string characters(1, found->first);
  if (found->second != 0) characters.push_back(found->second);
  return characters;
}

// What HTML makes of a number ("Numeric character reference end state").
std::u32string character_of(uint32_t number) {
  constexpr char32_t kReplacement = 0xFFFD;
  if (number == 0x0D) return U"\r";
  if (number >= 0x80 && number <= 0x9F) return {windows_1252(static_cast<uint8_t>(number))};
  if (number == 0 || (number >= 0xD800 && number <= 0xDFFF) || number > 0x10FFFF) {
    return {kReplacement};
  }
  const bool control =
      number < 0x09 || number == 0x0B || (number >= 0x0E && number <= 0x1F) || number == 0x7F;
  const bool noncharacter = (number >= 0xFDD0 && number <= 0xFDEF) || (number & 0xFFFE) == 0xFFFE;
  if (control || noncharacter) return {};
  return {static_cast<char32_t>(number)};
}

uint32_t value_of(std::u32string_view digits, uint32_t base) {
  constexpr uint32_t kTooLarge = 0x110000;
  uint32_t value = 0;
  for (const char32_t c : digits) {
    const uint32_t digit = is_digit(c) ? c - U'0' : (c | 0x20) - U'a' + 10;
    value = std::min(value * base + digit, kTooLarge);
  }
  return value;
}

// A reference that was read: how many characters it took and what it stands for.
struct Reference {
  size_t length;
  std::u32string meaning;
};

// `rest` begins behind "&#".
std::optional<Reference> read_number(std::u32string_view rest) {
  const bool hex = !rest.empty() && (rest[0] == U'x' || rest[0] == U'X');
  const auto digits = rest.substr(hex ? 1 : 0);
  const auto count = count_while(digits, digits.size(), hex ? is_hex_digit : is_digit);
  if (count == 0) return std::nullopt;
  const size_t semicolon = count < digits.size() && digits[count] == U';' ? 1 : 0;
  return Reference{2 + (hex ? 1 : 0) + count + semicolon,
                   character_of(value_of(digits.substr(0, count), hex ? 16 : 10))};
}

// `rest` begins behind "&".
std::optional<Reference> read_name(std::u32string_view rest) {
  auto length = count_while(rest, kLongestName, [](char32_t c) {
    return std::u32string_view(U"\t\n\f <&#;").find(c) == std::u32string_view::npos;
  });
  if (length == 0) return std::nullopt;
  if (length < rest.size() && rest[length] == U';') ++length;
  const auto name = ascii(rest.substr(0, length));
  if (auto whole = find_entity(name)) return Reference{1 + length, *whole};
  for (auto prefix = length - 1; prefix >= 2; --prefix) {
    if (auto known = find_entity(std::string_view(name).substr(0, prefix))) {
      known->append(rest.substr(prefix, length - prefix));
      return Reference{1 + length, *known};
    }
  }
  return std::nullopt;
}

std::optional<Reference> read_reference(std::u32string_view text) {
  const auto rest = text.substr(1);
  if (rest.starts_with(U'#')) return read_number(rest.substr(1));
  return read_name(rest);
}

std::u32string to_upper(std::u32string_view text) {
  std::u32string result;
  for (const char32_t c : text) {
    const auto found = std::ranges::lower_bound(html_upper_case(), c, {}, &UpperCase::lower);
    if (c >= U'a' && c <= U'z') {
      result.push_back(c - 0x20);
    } else if (found != html_upper_case().end() && found->lower == c) {
      result += found->upper;
    } else {
      result.push_back(c);
    }
  }
  return result;
}

// A lower-case name in capitals that HTML itself does not know, not even its beginning.
std::optional<std::u32string> find_capitals(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'a' && c <= 'z') return std::nullopt;
    if (c >= 'A' && c <= 'Z') c += 0x20;
  }
  const auto small = find_entity(lower);
  if (!small) return std::nullopt;
  for (size_t prefix = name.size(); prefix >= 2; --prefix) {
    if (find_entity(name.substr(0, prefix))) return std::nullopt;
  }
  return to_upper(*small);
}

std::optional<Reference> read_closed_reference(std::u32string_view text) {
  const bool is_number = text.substr(1).starts_with(U'#');
  const auto rest = text.substr(is_number ? 2 : 1);
  const auto count = count_while(rest, kLongestClosedName, is_letter_or_digit);
  if (count == 0 || count == rest.size() || rest[count] != U';') return std::nullopt;
  if (is_number) {
    auto number = read_number(rest);
    const bool whole = number && number->length == 2 + count + 1;
    return whole && number->meaning != U";" ? number : std::nullopt;
  }
  const auto name = ascii(rest.substr(0, count + 1));
  auto meaning = find_entity(name);
  if (!meaning) meaning = find_capitals(name);
  if (!meaning) return std::nullopt;
  return Reference{1 + count + 1, *meaning};
}

template <typename Read>
std::u32string unescape(std::u32string_view text, Read read) {
  std::u32string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const auto reference = text[at] == U'&' ? read(text.substr(at)) : std::nullopt;
    if (!reference) {
      result.push_back(text[at++]);
      continue;
    }
    result += reference->meaning;
    at += reference->length;
  }
  return result;
}

}  // namespace

std::u32string unescape_html(std::u32string_view text) {
  return unescape(text, read_reference);
}

std::u32string unescape_closed_html(std::u32string_view text) {
  return unescape(text, read_closed_reference);
}

}  // namespace text
