// SPDX-License-Identifier: Apache-2.0
#include "bench/measure.h"

#include <chrono>
#include <fstream>

#include <ATen/DeviceAccelerator.h>
#include <sys/resource.h>
#include <torch/types.h>

#include "base/text.h"
#include "kernels/cuda.h"

namespace bench {
namespace {

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
  for (int i = 0; i < warm_ups + repeats; ++i) {
    wait_for(device);
    const auto begin = std::chrono::steady_clock::now();
    run();
    wait_for(device);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
    if (i >= warm_ups) timing.seconds.push_back(elapsed.count());
  }
  return timing;
}

double measured_peak(torch::Device device, torch::ScalarType type) {
  const int64_t n = device.is_cuda() ? 8192 : 2048;
  const auto options = torch::TensorOptions().device(device).dtype(type);
  const auto a = torch::randn({n, n}, options);
  const auto b = torch::randn({n, n}, options);
  const auto timing = measure(device, 10, [&] { torch::matmul(a, b); });
  return 2.0 * static_cast<double>(n * n * n) / timing.fastest();
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
  return base::text(
      device.str(), " (", processor_name(), ", ", torch::get_num_threads(), " threads)");
}

}  // namespace bench
