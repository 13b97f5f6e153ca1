// SPDX-License-Identifier: Apache-2.0
#include "pipelines/device_memory.h"

#include <ATen/DeviceAccelerator.h>

#include "base/machine.h"

namespace pipelines {

uint64_t available_memory(torch::Device device) {
  if (device.is_cpu()) return base::memory().available;
  return at::accelerator::getMemoryInfo(device.index()).first;
}

std::string memory_name(torch::Device device) {
  return device.is_cpu() ? "memory" : "memory of " + device.str();
}

void return_memory(torch::Device device) {
  if (!device.is_cpu()) at::accelerator::emptyCache();
}

}  // namespace pipelines
