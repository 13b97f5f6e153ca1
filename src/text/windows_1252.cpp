// SPDX-License-Identifier: Apache-2.0
#include "text/windows_1252.h"

#include <algorithm>
#include <iterator>

namespace text {
namespace {

// encoding.spec.whatwg.org, index windows-1252, bytes 0x80 to 0x9F.
constexpr char32_t kUpperControls[] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

}  // namespace

char32_t windows_1252(uint8_t byte) {
  return byte >= 0x80 && byte <= 0x9F ? kUpperControls[byte - 0x80] : byte;
}

std::optional<uint8_t> byte_of(char32_t character) {
  if (character <= 0xFF) return static_cast<uint8_t>(character);
  const auto* found = std::ranges::find(kUpperControls, character);
  if (found == std::end(kUpperControls)) return std::nullopt;
  return static_cast<uint8_t>(0x80 + (found - kUpperControls));
}

}  // namespace text
