// SPDX-License-Identifier: Apache-2.0
// Where and in which type to compute, from what the command line says.
#pragma once

#include <string>
#include <string_view>

#include <torch/types.h>

#include "cli/options.h"

namespace cli {

constexpr std::string_view kDtypes[] = {"bf16", "fp32"};

// "auto" (the first GPU, else the CPU), "cpu", "cuda", "cuda:N". What is not there is complained of
// under `option` and read as the CPU.
torch::Device read_device(std::string_view option, const std::string& word, Complaints& complaints);

}  // namespace cli
