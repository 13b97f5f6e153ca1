// SPDX-License-Identifier: Apache-2.0
// A pickle machine that executes nothing: it fills records. The only names it knows are those that
// weights need; any other name, and any instruction it does not know, is an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weights {

enum class PickleKind : uint8_t {
  none,
  boolean,
  integer,
  real,
  text,     // and byte strings
  list,     // and tuples, sets of arguments
  dict,     // items are key, value, key, value, …
  name,     // one of the known names: text is "torch.FloatStorage"
  storage,  // a persistent id; items are its tuple
  tensor,   // a call of _rebuild_tensor_v2; items are its arguments
};

// Nodes refer to each other by index, so a structure of any depth is freed without recursion.
struct PickleNode {
  PickleKind kind = PickleKind::none;
  int64_t integer = 0;
  std::string_view text;  // into the pickle
  std::vector<uint32_t> items;
};

struct Pickle {
  std::vector<PickleNode> nodes;
  uint32_t root = 0;
  size_t bytes = 0;  // how much of the input the pickle took: the older form has several in a row

  const PickleNode& at(uint32_t index) const { return nodes.at(index); }
  // The value of a text key of a dict, or nullptr.
  const PickleNode* find(const PickleNode& dict, std::string_view key) const;
};

// Runs the first pickle in `bytes`, which must outlive the result. Throws Error(invalid) that
// starts with `what` and names the forbidden name, the instruction or the limit.
Pickle read_pickle(std::span<const std::byte> bytes, const std::string& what);

}  // namespace weights
