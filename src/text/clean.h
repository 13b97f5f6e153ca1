// SPDX-License-Identifier: Apache-2.0
// The cleaning of prompts before tokenising: whitespace_clean(basic_clean(text)) in
// wan/modules/tokenizers.py.
#pragma once

#include <string>
#include <string_view>

namespace text {

// Repaired, HTML unescaped twice, every run of white space one space, none at the ends. Any text is
// accepted, also an empty one; throws Error(invalid) with the position for invalid UTF-8 and for
// HTML escapes nested absurdly deep.
std::string clean(std::string_view prompt);

}  // namespace text
