// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <stdexcept>
#include <vector>

#include <utf8proc.h>

#include "text/unicode.h"

namespace text {
namespace {

using Codepoints = std::vector<utf8proc_int32_t>;

constexpr char32_t kFirstThatChanges = 0x300;  // everything before it is in form C

int combining_class(utf8proc_int32_t codepoint) {
  return utf8proc_get_property(codepoint)->combining_class;
}

Codepoints decompose(std::u32string_view text, utf8proc_option_t options) {
  constexpr int kLongest = 18;  // U+FDFA in form KD
  Codepoints result;
  result.reserve(text.size());
  utf8proc_int32_t parts[kLongest];
  for (const char32_t character : text) {
    const auto count = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(character), parts, kLongest, options, nullptr);
    if (count < 0 || count > kLongest) throw std::logic_error("utf8proc refuses a code point");
    result.insert(result.end(), parts, parts + count);
  }
  return result;
}

// utf8proc_decompose sorts marks in quadratic time; a prompt may be 100 kB of them.
void sort_marks(Codepoints& codepoints) {
  for (auto begin = codepoints.begin(); begin != codepoints.end();) {
    const auto end = std::find_if(
        begin, codepoints.end(), [](auto codepoint) { return combining_class(codepoint) == 0; });
    std::ranges::stable_sort(begin, end, {}, combining_class);
    begin = end == codepoints.end() ? end : end + 1;
  }
}

std::u32string normal_form(std::u32string_view text, utf8proc_option_t options) {
  auto codepoints = decompose(text, options);
  sort_marks(codepoints);
  const auto length = utf8proc_normalize_utf32(
      codepoints.data(), static_cast<utf8proc_ssize_t>(codepoints.size()), options);
  if (length < 0) throw std::logic_error("utf8proc refuses a text");
  return {codepoints.begin(), codepoints.begin() + length};
}

}  // namespace

std::u32string compose(std::u32string_view text) {
  if (std::ranges::none_of(text, [](char32_t c) { return c >= kFirstThatChanges; })) {
    return std::u32string(text);
  }
  return normal_form(text, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
}

std::u32string normal_width(char32_t character) {
  return normal_form(
      {&character, 1},
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT));
}

}  // namespace text
