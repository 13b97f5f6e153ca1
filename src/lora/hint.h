// SPDX-License-Identifier: Apache-2.0
// For which of two experts an adapter seems made. Source: reference/lora.md §1.6, §2.5.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace lora {

enum class Hint { none, high_noise, low_noise };

// By the range of timesteps in the file's metadata (modelspec.timestep_range), else by a word of
// its name: high or low, high_noise or HighNoise.
Hint hint_of(std::string_view file_name, const std::map<std::string, std::string>& metadata);

}  // namespace lora
