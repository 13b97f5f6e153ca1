// SPDX-License-Identifier: Apache-2.0
#include "toyworld/random.h"

namespace toyworld {
namespace {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit.
uint64_t mix(uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return bits ^ (bits >> 31);
}

constexpr uint64_t kGolden =
    0x9e3779b97f4a7c15u;  // 2^64 / the golden ratio, SplitMix64's increment

}  // namespace

Random::Random(uint64_t seed, uint64_t stream, uint64_t index)
    : state_(mix(mix(mix(seed + kGolden) + stream + kGolden) + index + kGolden)) {}

uint64_t Random::next() {
  state_ += kGolden;
  return mix(state_);
}

double Random::uniform() {
  return static_cast<double>(next() >> 11) * 0x1.0p-53;
}

double Random::uniform(double low, double high) {
  return low + (high - low) * uniform();
}

int Random::below(int count) {
  return static_cast<int>(uniform() * count);
}

bool Random::chance(double probability) {
  return uniform() < probability;
}

}  // namespace toyworld
