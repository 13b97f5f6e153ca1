// SPDX-License-Identifier: Apache-2.0
// Where a user-perceived character ends (Unicode Standard Annex 29).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace text {

enum class GraphemeClass { other, control, extend, joiner, prepend, picture };

struct GraphemeRange {
  char32_t first, last;
  GraphemeClass kind;
};

// In order, without overlap; whatever lies between is `other`.
std::span<const GraphemeRange> grapheme_ranges();

// Bytes of the first extended grapheme cluster of valid, non-empty UTF-8. Hangul syllables and
// flags count as their single characters: the charsmap, which is what needs clusters, looks at
// those shorter than six bytes only, and no such pair is.
size_t first_cluster(std::string_view valid);

}  // namespace text
