// SPDX-License-Identifier: Apache-2.0
#include "bench/floors.h"

namespace bench {
namespace {

constexpr Floor kH200Floors[] = {
    {"A: bf16", 790, 693}, {"B: fp8 linear layers", 1300, 693}, {"C: fp8 throughout", 1300, 1060}};

}  // namespace

std::span<const Floor> h200_floors() {
  return kH200Floors;
}

double least_seconds(const Floor& floor, double flops, double attention_flops) {
  return (flops - attention_flops) / (floor.linear * 1e12) +
         attention_flops / (floor.attention * 1e12);
}

}  // namespace bench
