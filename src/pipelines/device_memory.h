// SPDX-License-Identifier: Apache-2.0
// The memory of the device that a pipeline runs on.
#pragma once

#include <cstdint>
#include <string>

#include <torch/types.h>

namespace pipelines {

// Bytes that can be allocated on the device.
uint64_t available_memory(torch::Device device);

// How messages call it: "memory", "memory of cuda:0".
std::string memory_name(torch::Device device);

// Hands back what torch keeps of a GPU's memory for later, so that available_memory() counts it.
void return_memory(torch::Device device);

}  // namespace pipelines
