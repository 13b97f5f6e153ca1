// SPDX-License-Identifier: Apache-2.0
#include "text/trie.h"

#include <algorithm>

namespace text {
namespace {

// The words below one node: a range of the sorted list that shares its first `depth` bytes.
struct Range {
  size_t begin, end, depth;
};

}  // namespace

Trie::Trie(std::vector<Entry> words) {
  std::ranges::stable_sort(words, {}, &Entry::first);
  std::vector<Range> nodes{{0, words.size(), 0}};
  labels_.push_back(0);
  for (size_t node = 0; node < nodes.size(); ++node) {
    auto [begin, end, depth] = nodes[node];
    int32_t value = -1;
    for (; begin < end && words[begin].first.size() == depth; ++begin) value = words[begin].second;
    values_.push_back(value);
    children_.push_back(static_cast<uint32_t>(nodes.size()));
    while (begin < end) {
      const char label = words[begin].first[depth];
      auto after = begin;
      while (after < end && words[after].first[depth] == label) ++after;
      labels_.push_back(static_cast<uint8_t>(label));
      nodes.push_back({begin, after, depth + 1});
      begin = after;
    }
  }
  children_.push_back(static_cast<uint32_t>(nodes.size()));
}

uint32_t Trie::child(uint32_t node, uint8_t label) const {
  const auto begin = labels_.begin() + children_[node];
  const auto end = labels_.begin() + children_[node + 1];
  const auto found = std::lower_bound(begin, end, label);
  return found == end || *found != label ? 0 : static_cast<uint32_t>(found - labels_.begin());
}

}  // namespace text
