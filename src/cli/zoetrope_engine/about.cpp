// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine about: what the engine was built with and what it finds here, for doctor.
#include <iostream>

#include <ATen/DeviceAccelerator.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include "base/json.h"
#include "cli/options.h"
#include "cli/zoetrope_engine/commands.h"

namespace cli {
namespace {

struct Request {};

constexpr Form<Request> kForm = {
    "zoetrope about", "Prints, as JSON, what the engine was built with and the GPUs it sees.", {}};

base::Json cuda_devices() {
  base::Json devices = base::Json::array();
  for (int8_t i = 0; i < torch::cuda::device_count(); ++i) {
    const auto [free, total] = at::accelerator::getMemoryInfo(i);
    devices.push_back({{"memory_free", free}, {"memory_total", total}});
  }
  return devices;
}

}  // namespace

int about(Arguments arguments) {
  if (!read_options(kForm, arguments)) return kDone;
#ifdef ZOETROPE_WITH_CUDA
  constexpr bool kWithCuda = true;
#else
  constexpr bool kWithCuda = false;
#endif
#ifdef ZOETROPE_WITH_MEDIA
  constexpr bool kWithMedia = true;
#else
  constexpr bool kWithMedia = false;
#endif
  const base::Json found = {{"version", version()},
                            {"torch", TORCH_VERSION},
                            {"cuda", kWithCuda},
                            {"media", kWithMedia},
                            {"threads", at::get_num_threads()},
                            {"devices", cuda_devices()}};
  std::cout << found.dump() << '\n';
  return kDone;
}

}  // namespace cli
