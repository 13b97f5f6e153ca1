// SPDX-License-Identifier: Apache-2.0
// The Windows-1252 code page, read the way of the web: its five holes are the C1 controls.
#pragma once

#include <cstdint>
#include <optional>

namespace text {

char32_t windows_1252(uint8_t byte);

// The byte that is read as `character` in Windows-1252 or, for U+0080 to U+009F, in Latin-1.
std::optional<uint8_t> byte_of(char32_t character);

}  // namespace text
