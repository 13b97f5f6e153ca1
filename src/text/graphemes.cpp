// SPDX-License-Identifier: Apache-2.0
#include "text/graphemes.h"

#include <algorithm>

#include "text/utf8.h"

namespace text {
namespace {

using enum GraphemeClass;

GraphemeClass class_of(char32_t character) {
  const auto ranges = grapheme_ranges();
  const auto after = std::ranges::upper_bound(ranges, character, {}, &GraphemeRange::first);
  if (after == ranges.begin() || (after - 1)->last < character) return other;
  return (after - 1)->kind;
}

// What is known of the cluster so far.
struct Cluster {
  char32_t last;
  GraphemeClass last_class;
  bool picture_then_extends;  // a picture, then only extends: a joiner may bind another picture
  bool picture_then_joiner;
};

Cluster start(char32_t character) {
  const auto kind = class_of(character);
  return {character, kind, kind == picture, false};
}

// Takes the next character if it belongs to the cluster (rules GB3 to GB9b and GB11).
bool take(Cluster& cluster, char32_t character) {
  const auto kind = class_of(character);
  const bool line_end = cluster.last == U'\r' && character == U'\n';
  const bool near_control = cluster.last_class == control || kind == control;
  const bool binds = kind == extend || kind == joiner || cluster.last_class == prepend ||
                     (kind == picture && cluster.picture_then_joiner);
  if (!line_end && (near_control || !binds)) return false;
  cluster.picture_then_joiner = kind == joiner && cluster.picture_then_extends;
  cluster.picture_then_extends =
      kind == picture || (kind == extend && cluster.picture_then_extends);
  cluster.last = character;
  cluster.last_class = kind;
  return true;
}

}  // namespace

size_t first_cluster(std::string_view valid) {
  auto character = next_character(valid);
  auto cluster = start(character.value);
  size_t bytes = character.bytes;
  while (bytes < valid.size()) {
    character = next_character(valid.substr(bytes));
    if (!take(cluster, character.value)) break;
    bytes += character.bytes;
  }
  return bytes;
}

}  // namespace text
