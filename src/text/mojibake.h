// SPDX-License-Identifier: Apache-2.0
// Text whose UTF-8 bytes were once read as Windows-1252 or Latin-1 ("schÃ¶n" for "schön").
#pragma once

#include <string>
#include <string_view>

namespace text {

// Reads such bytes as UTF-8 again where they cannot be anything else; other text is returned as it
// is. This is a rule of our own, narrower than ftfy's: it knows no other code pages (Windows-1251,
// Mac Roman, …), no lost bytes but the no-break space of "à", and leaves doubtful pairs such as
// "É™" alone.
std::u32string repair_mojibake(std::u32string_view text);

}  // namespace text
