// SPDX-License-Identifier: Apache-2.0
// What can be said without utf8proc; empty where the library is there.
#include "text/unicode.h"

#include <cstdint>

#include "base/error.h"
#include "base/text.h"

#ifndef ZOETROPE_WITH_UTF8PROC
namespace text {
namespace {

[[noreturn]] void refuse(char32_t character) {
  throw base::Error(base::Fault::invalid,
                    base::text("the prompt has the character U+",
                               std::hex,
                               std::uppercase,
                               static_cast<uint32_t>(character),
                               ", which needs the utf8proc library; this program was built without "
                               "it"));
}

// Latin, Cyrillic letters, punctuation, CJK: characters that form C keeps and that do not combine.
bool stays_in_form_c(char32_t c) {
  return c < 0x300 || (c >= 0x400 && c <= 0x482) || (c >= 0x2010 && c <= 0x2027) ||
         (c >= 0x3000 && c <= 0x3029) || (c >= 0x3030 && c <= 0x3098) ||
         (c >= 0x309B && c <= 0x30FF) || (c >= 0x4E00 && c <= 0x9FFF);
}

}  // namespace

std::u32string compose(std::u32string_view text) {
  for (const char32_t c : text) {
    if (!stays_in_form_c(c)) refuse(c);
  }
  return std::u32string(text);
}

std::u32string normal_width(char32_t character) {
  constexpr char32_t kFirst = 0xFF01, kLast = 0xFF5E, kDistanceToAscii = 0xFEE0;
  if (character < kFirst || character > kLast) refuse(character);
  return {character - kDistanceToAscii};
}

}  // namespace text
#endif
