// SPDX-License-Identifier: Apache-2.0
// The worker processes that a server starts on its own machine.
#pragma once

#include <filesystem>
#include <vector>

#include "server/children.h"
#include "server/config.h"
#include "server/start.h"

namespace server {

// Names of the GPUs that this process may use, as torch counts them: "cuda:0" …
std::vector<std::string> gpus(const std::filesystem::path& root = "/");

// As many as configured, else one per GPU, or one for the CPU. More than there are GPUs share them.
// Each is told what serves which model.
std::vector<Child> workers_of(const Config& config,
                              const ServingByModel& weights,
                              const std::vector<std::string>& devices,
                              const std::filesystem::path& engine,
                              const std::filesystem::path& socket);

}  // namespace server
