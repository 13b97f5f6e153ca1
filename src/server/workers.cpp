// SPDX-License-Identifier: Apache-2.0
#include "server/workers.h"

#include <algorithm>
#include <cstdlib>

#include "base/text.h"

namespace server {
namespace {

using base::text;

// How many entries CUDA_VISIBLE_DEVICES lets a process see; nothing: it does not say.
std::optional<size_t> visible_devices() {
  const char* value = std::getenv("CUDA_VISIBLE_DEVICES");
  if (value == nullptr) return std::nullopt;
  const std::string list(value);
  if (list.empty() || list == "-1" || list == "none") return 0;
  return static_cast<size_t>(std::ranges::count(list, ',')) + 1;
}

}  // namespace

std::vector<std::string> gpus(const std::filesystem::path& root) {
  std::error_code absent;
  size_t count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(root / "proc/driver/nvidia/gpus", absent)) {
    if (entry.is_directory()) ++count;
  }
  count = std::min(count, visible_devices().value_or(count));
  std::vector<std::string> names;
  names.reserve(count);
  for (size_t i = 0; i < count; ++i) names.push_back(text("cuda:", i));
  return names;
}

std::vector<Child> workers_of(const Config& config,
                              const ServingByModel& weights,
                              const std::vector<std::string>& devices,
                              const std::filesystem::path& engine,
                              const std::filesystem::path& socket) {
  const auto usual = static_cast<int64_t>(std::max<size_t>(1, devices.size()));
  std::vector<Child> children;
  for (int64_t i = 0; i < config.workers.value_or(usual); ++i) {
    const auto name = text("worker-", i);
    const auto device =
        devices.empty() ? std::string("cpu") : devices[static_cast<size_t>(i) % devices.size()];
    Child child{.name = name, .command = {engine.string(), "worker", "--child"}};
    const auto tell = [&](const std::string& option, const std::string& value) {
      child.command.push_back(option);
      child.command.push_back(value);
    };
    tell("--socket", socket.string());
    tell("--name", name);
    tell("--device", device);
    for (const auto& [model, serving] : weights) {
      if (!serving.model.empty()) tell("--model", text(model, '=', serving.model));
    }
    children.push_back(std::move(child));
  }
  return children;
}

}  // namespace server
