// SPDX-License-Identifier: Apache-2.0
// Words to numbers, found by their prefixes.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace text {

// A byte trie whose nodes lie in breadth-first order, the children of each side by side.
class Trie {
 public:
  using Entry = std::pair<std::string_view, int32_t>;

  // Of equal words the last one counts; an empty word is never found.
  explicit Trie(std::vector<Entry> words);

  // Calls found(length, value) for every word that `bytes` starts with, shortest first.
  template <typename Found>
  void prefixes(std::string_view bytes, Found found) const {
    uint32_t node = 0;
    for (size_t length = 1; length <= bytes.size(); ++length) {
      node = child(node, static_cast<uint8_t>(bytes[length - 1]));
      if (node == 0) return;
      if (values_[node] >= 0) found(length, values_[node]);
    }
  }

 private:
  uint32_t child(uint32_t node, uint8_t label) const;  // 0: none, for the root is no child

  std::vector<uint32_t> children_;  // of node i: from children_[i] up to children_[i + 1]
  std::vector<uint8_t> labels_;
  std::vector<int32_t> values_;  // -1 where no word ends
};

}  // namespace text
