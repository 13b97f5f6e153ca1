// SPDX-License-Identifier: Apache-2.0
#include "text/charsmap.h"

#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "text/graphemes.h"
#include "text/utf8.h"

namespace text {
namespace {

constexpr size_t kLongestCluster = 5;  // bytes

// A unit of a darts-clone array: bits 0-7 the label, 8 whether a value hangs below, 9 whether the
// offset is shifted by 8, 10-30 the offset, 31 whether the unit is a value.
bool has_value(uint32_t unit) {
  return (unit >> 8 & 1) != 0;
}

uint32_t offset_of(uint32_t unit) {
  return unit >> 10 << ((unit >> 9 & 1) * 8);
}

bool is_labelled(uint32_t unit, uint8_t label) {
  return (unit & 0x800000FFu) == label;
}

}  // namespace

Charsmap::Charsmap(std::string_view table, std::string_view origin) {
  const auto refuse = [&](const auto&... why) {
    throw base::Error(base::Fault::invalid, base::text(origin, ": charsmap ", why...));
  };
  uint32_t trie_bytes = 0;
  if (table.size() < sizeof trie_bytes) refuse("of ", table.size(), " bytes is cut");
  std::memcpy(&trie_bytes, table.data(), sizeof trie_bytes);
  table.remove_prefix(sizeof trie_bytes);
  if (trie_bytes % sizeof(uint32_t) != 0 || trie_bytes == 0 || trie_bytes > table.size()) {
    refuse("claims a trie of ", trie_bytes, " bytes; ", table.size(), " follow");
  }
  units_.resize(trie_bytes / sizeof(uint32_t));
  std::memcpy(units_.data(), table.data(), trie_bytes);
  replacements_ = table.substr(trie_bytes);
}

std::string Charsmap::normalize(std::string_view valid) const {
  std::string result;
  result.reserve(valid.size());
  while (!valid.empty()) {
    auto cluster = valid.substr(0, first_cluster(valid));
    valid.remove_prefix(cluster.size());
    if (cluster.size() <= kLongestCluster) {
      if (const auto whole = replacement(cluster)) {
        result += *whole;
        continue;
      }
    }
    while (!cluster.empty()) {
      const auto part = cluster.substr(0, next_character(cluster).bytes);
      result += replacement(part).value_or(part);
      cluster.remove_prefix(part.size());
    }
  }
  return result;
}

std::optional<std::string_view> Charsmap::replacement(std::string_view chunk) const {
  uint32_t at = offset_of(units_[0]);
  for (const char c : chunk) {
    const auto label = static_cast<uint8_t>(c);
    at ^= label;
    if (label == 0 || at >= units_.size() || !is_labelled(units_[at], label)) return std::nullopt;
    const auto unit = units_[at];
    at ^= offset_of(unit);
    if (!has_value(unit)) continue;
    if (at >= units_.size()) return std::nullopt;
    const auto begin = units_[at] & 0x7FFFFFFFu;
    if (begin > replacements_.size()) return std::nullopt;
    const auto rest = std::string_view(replacements_).substr(begin);
    return rest.substr(0, rest.find('\0'));
  }
  return std::nullopt;
}

}  // namespace text
