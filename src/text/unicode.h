// SPDX-License-Identifier: Apache-2.0
// The normal forms of Unicode, through utf8proc. Without the library, text that normalisation
// leaves as it is passes, and any other is refused with Error(invalid).
#pragma once

#include <string>
#include <string_view>

namespace text {

// Normal form C.
std::u32string compose(std::u32string_view text);

// Normal form KC of a full-width or half-width character, U+FF01 to U+FFEF.
std::u32string normal_width(char32_t character);

}  // namespace text
