// SPDX-License-Identifier: Apache-2.0
#include "kernels/simd.h"

namespace kernels::simd {
namespace {

Level find_level() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return Level::avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Level::avx2;
#endif
  return Level::any;
}

}  // namespace

Level level() {
  static const Level found = find_level();
  return found;
}

}  // namespace kernels::simd
