// SPDX-License-Identifier: Apache-2.0
// The repairs that the official code makes with ftfy.fix_text (6.3) before tokenising.
#pragma once

#include <string>
#include <string_view>

namespace text {

// HTML references, mojibake (mojibake.h says how far), C1 controls, ligatures, character width,
// curly quotes, line ends, terminal colours, control characters and normal form C, line by line
// until nothing changes. Throws Error(invalid) where that takes more rounds than any honest text.
std::u32string repair(std::u32string_view text);

}  // namespace text
