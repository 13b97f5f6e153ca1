// SPDX-License-Identifier: Apache-2.0
// Timing on one device, and what the device could do at best.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <torch/types.h>

namespace bench {

struct Timing {
  std::vector<double> seconds;  // of the counted runs, in order

  double median() const;
  double fastest() const;
  double slowest() const;
};

// Runs once (twice on CUDA) without counting, then `repeats` times or until the counted runs took a
// minute; waits for the device each time.
Timing measure(torch::Device device, int repeats, const std::function<void()>& run);

// FLOP/s of torch's fastest large matrix product of random numbers in `type`: the rate that the
// share of peak refers to. Never of zeros: those run faster.
double measured_peak(torch::Device device, torch::ScalarType type);

// The most memory this process has had: resident set on the CPU, allocator peak on CUDA.
int64_t peak_bytes(torch::Device device);

// "cuda:0 (NVIDIA H200)", "cpu (AMD EPYC …, 2 threads)".
std::string describe(torch::Device device);

}  // namespace bench
