// SPDX-License-Identifier: Apache-2.0
// Character references of HTML: &eacute; and &#233; become what they stand for.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace text {

struct HtmlEntity {
  std::string_view name;  // "eacute;", and "eacute" where it may stand without semicolon
  char32_t first, second = 0;
};

// In order of name.
std::span<const HtmlEntity> html_entities();

struct UpperCase {
  char32_t lower;
  std::u32string_view upper;
};

// The letters that stand behind lower-case names, in order.
std::span<const UpperCase> html_upper_case();

// As Python's html.unescape: references without semicolon where HTML allows it, the longest known
// name at the beginning of an unknown one, U+FFFD for impossible numbers.
std::u32string unescape_html(std::u32string_view text);

// As ftfy's more careful form: only references that end in a semicolon, and also lower-case names
// written in capitals (&EACUTE;).
std::u32string unescape_closed_html(std::u32string_view text);

}  // namespace text
