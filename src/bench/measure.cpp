// SPDX-License-Identifier: Apache-2.0
#include "bench/measure.h"

#include <algorithm>
#include <chrono>
#include <fstream>

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <sys/resource.h>
#include <torch/cuda.h>
#include <torch/types.h>

#include "base/text.h"
#include "kernels/cuda.h"

namespace bench {
namespace {

// Runs are counted until they took a minute together.
constexpr double kEnoughSeconds = 60;

void wait_for(torch::Device device) {
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

}  // namespace

double Timing::median() const {
  auto sorted = seconds;
  std::ranges::sort(sorted);
  const size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

double Timing::fastest() const {
  return *std::ranges::min_element(seconds);
}
double Timing::slowest() const {
  return *std::ranges::max_element(seconds);
}

Timing measure(torch::Device device, int repeats, const std::function<void()>& run) {
  const int warm_ups = device.is_cuda() ? 2 : 1;
  Timing timing;
  double total = 0;
  for (int i = 0; i < warm_ups + repeats && total < kEnoughSeconds; ++i) {
    wait_for(device);
    const auto begin = std::chrono::steady_clock::now();
    run();
    wait_for(device);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    if (i < warm_ups) continue;
    timing.seconds.push_back(elapsed.count());
    total += elapsed.count();
  }
  return timing;
}

double measured_peak(torch::Device device, torch::ScalarType type) {
  const auto options = torch::TensorOptions().device(device).dtype(type);
  double best = 0;
  // Which size is fastest differs between libraries of a CPU; a type that it has no instructions
  // for takes minutes at the larger ones.
  constexpr double kSlow = 1;  // second
  for (const int64_t n : device.is_cuda() ? std::vector<int64_t>{8192}
                                          : std::vector<int64_t>{512, 1024, 1536, 2048}) {
    const auto a = torch::randn({n, n}, options);
    const auto b = torch::randn({n, n}, options);
    const double flops = 2.0 * static_cast<double>(n * n * n);
    // About half a second of products, two at least.
    // Ten at a time on a GPU, where waiting for one takes a hundredth of its time.
    const int products = device.is_cuda() ? 10 : 1;
    const auto multiply = [&] {
      for (int i = 0; i < products; ++i) torch::matmul(a, b);
    };
    const auto trial = measure(device, 1, multiply);
    const int repeats = std::clamp(static_cast<int>(0.5 / trial.fastest()), 2, 50);
    const auto timing = measure(device, repeats, multiply);
    best = std::max(best, products * flops / timing.fastest());
    if (timing.fastest() > kSlow) break;
  }
  return best;
}

int64_t peak_bytes(torch::Device device) {
  if (device.is_cuda()) {
    return at::accelerator::getDeviceStats(device.index()).allocated_bytes[0].peak;
  }
  struct rusage usage {};
  ::getrusage(RUSAGE_SELF, &usage);
  return int64_t{usage.ru_maxrss} * 1024;
}

std::string describe(torch::Device device) {
  if (device.is_cuda()) {
    return base::text(device.str(), " (", kernels::cuda::device_name(device.index()), ")");
  }
  return base::text(device.str(), " (", processor_name(), ", ", at::get_num_threads(), " threads)");
}

}  // namespace bench
