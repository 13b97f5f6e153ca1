// SPDX-License-Identifier: Apache-2.0
// The random numbers of scenes and prompts: the same on every machine and standard library, and
// addressed by (seed, stream, index), so that a resumed training run needs no generator state.
#pragma once

#include <cstdint>
#include <span>

namespace toyworld {

class Random {
 public:
  // Streams with different `stream` or `index` are independent of each other.
  Random(uint64_t seed, uint64_t stream, uint64_t index);

  uint64_t next();                          // 64 uniform bits
  double uniform();                         // [0, 1)
  double uniform(double low, double high);  // [low, high)
  int below(int count);                     // 0 … count-1
  bool chance(double probability);          // true with that probability

  template <typename Item>
  const Item& pick(std::span<const Item> items) {
    return items[static_cast<size_t>(below(static_cast<int>(items.size())))];
  }

 private:
  uint64_t state_;
};

}  // namespace toyworld
