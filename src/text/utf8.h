// SPDX-License-Identifier: Apache-2.0
// UTF-8 in and out, strictly: overlong forms, surrogates and cut sequences are errors.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace text {

// A character and the bytes it takes.
struct Character {
  char32_t value = 0;
  size_t bytes = 0;
};

// The character at the start of `bytes`; empty where there is none or it is not valid UTF-8.
std::optional<Character> first_character(std::string_view bytes);

// The same for text that is known to be valid and not empty.
Character next_character(std::string_view valid);

// Throws Error(invalid) that starts with `what` and gives the position of the first bad byte.
void check_utf8(std::string_view bytes, std::string_view what);

// Valid UTF-8 to code points and back.
std::u32string decode(std::string_view valid);
std::string encode(std::u32string_view characters);
void append(std::string& to, char32_t character);

// The White_Space property of Unicode.
bool is_space(char32_t character);

}  // namespace text
