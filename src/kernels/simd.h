// SPDX-License-Identifier: Apache-2.0
// For loops that are compiled several times: which instructions this machine has, and functions the
// compiler can turn into vector code. Kernels are plain loops over contiguous numbers; each is
// inlined into one function per level, and the program runs on any x86-64.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace kernels::simd {

enum class Level { any, avx2, avx512 };

// The best level this machine has, asked once.
Level level();

// bf16 as its bits: the vectoriser does not see through a class.
using Bf16 = uint16_t;

[[gnu::always_inline]] inline float to_float(float x) {
  return x;
}
[[gnu::always_inline]] inline float to_float(Bf16 x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x) << 16);
}

// Bf16 is rounded to nearest, ties to even.
template <typename T>
[[gnu::always_inline]] inline T from_float(float x) {
  if constexpr (std::is_same_v<T, float>) {
    return x;
  } else {
    const auto bits = std::bit_cast<uint32_t>(x);
    return static_cast<Bf16>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
}

// e^x within 4e-7 of the value; no branches. x is clamped to +-60, far from where products of the
// result become denormal and slow.
[[gnu::always_inline]] inline float exp(float x) {
  x = x < -60.0f ? -60.0f : x;
  x = x > 60.0f ? 60.0f : x;
  // x = n ln 2 + r, |r| <= ln(2)/2. Adding and subtracting 1.5 * 2^23 rounds to a whole number; ln
  // 2 is split in two so that n ln 2 is exact.
  constexpr float kRound = 12582912.0f;
  const float n = (x * 1.44269504f + kRound) - kRound;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  // Taylor series; the first term left out is r^8 / 8!.
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return std::bit_cast<float>(std::bit_cast<int32_t>(p) + (static_cast<int32_t>(n) << 23));
}

[[gnu::always_inline]] inline float sigmoid(float x) {
  return 1.0f / (1.0f + simd::exp(-x));
}

}  // namespace kernels::simd
