// SPDX-License-Identifier: Apache-2.0
// Eight numbers at a time, as fp32 in registers whatever they are in memory. x86-64 with AVX2 only:
// for functions that are compiled for it and called after simd::level() allowed it.
#pragma once

#if defined(__x86_64__)

#include <c10/util/BFloat16.h>
#include <immintrin.h>

namespace kernels {

[[gnu::target("avx2,fma"), gnu::always_inline]] inline __m256 load8(const float* x) {
  return _mm256_loadu_ps(x);
}
[[gnu::target("avx2,fma"), gnu::always_inline]] inline __m256 load8(const c10::BFloat16* x) {
  const auto bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(x));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}

[[gnu::target("avx2,fma"), gnu::always_inline]] inline void store8(float* x, __m256 value) {
  _mm256_storeu_ps(x, value);
}
// To nearest, ties to even; a NaN stays one.
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void store8(c10::BFloat16* x, __m256 value) {
  const auto bits = _mm256_castps_si256(value);
  const auto odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const auto half = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff));
  const auto rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, half), 16);
  const auto is_nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
  const auto safe = _mm256_blendv_epi8(rounded, _mm256_set1_epi32(0x7fc0), is_nan);
  const auto packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(safe, safe), 0xd8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(x), _mm256_castsi256_si128(packed));
}

}  // namespace kernels

#endif
