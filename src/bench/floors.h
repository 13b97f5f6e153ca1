// SPDX-License-Identifier: Apache-2.0
// The least time that one H200 takes for a network, whatever the program: what a measurement there
// is held against.
#pragma once

#include <span>

namespace bench {

// What one H200 sustains at best, in TFLOP/s: linear layers and attention in each precision.
struct Floor {
  const char* name;
  double linear, attention;
};

// From the slowest precision to the fastest.
std::span<const Floor> h200_floors();

// Seconds that a GPU which does nothing but this arithmetic needs, at the rates of the floor;
// `attention_flops` is the part of `flops` that is self-attention.
double least_seconds(const Floor& floor, double flops, double attention_flops);

}  // namespace bench
