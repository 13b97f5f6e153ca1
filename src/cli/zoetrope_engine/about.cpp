// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine about: what the engine was built with, what it finds here and what it needs, for
// doctor.
#include <iostream>
#include <memory>

#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include "base/json.h"
#include "cli/options.h"
#include "cli/zoetrope_engine/commands.h"
#include "cli/zoetrope_engine/generate_options.h"
#include "kernels/cuda.h"

namespace cli {
namespace {

struct Request {};

constexpr Form<Request> kForm = {
    "zoetrope about", "Prints, as JSON, what the engine was built with and the GPUs it sees.", {}};

base::Json cuda_devices() {
  base::Json devices = base::Json::array();
  for (int8_t i = 0; i < torch::cuda::device_count(); ++i) {
    const auto [free, total] = at::accelerator::getMemoryInfo(i);
    devices.push_back(
        {{"name", kernels::cuda::device_name(i)}, {"memory_free", free}, {"memory_total", total}});
  }
  return devices;
}

// What a video of the demo model takes that is asked for without options, the prompt as long as may
// be.
uint64_t demo_memory() {
  const auto& spec = *specs::find_model(kDemoModel);
  pipelines::TextToVideoJob job{
      .model = std::make_shared<const pipelines::OpenedModel>(pipelines::OpenedModel{spec, {}}),
      .request = pipelines::defaults(spec)};
  job.request.prompt.resize(static_cast<size_t>(spec.dit.text_len));
  job.render = pipelines::render_size(spec, job.request.size);
  return pipelines::plan_memory(job.memory()).needed();
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
                            {"demo_memory", demo_memory()},
                            {"devices", cuda_devices()}};
  std::cout << found.dump() << '\n';
  return kDone;
}

}  // namespace cli
