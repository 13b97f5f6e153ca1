// SPDX-License-Identifier: Apache-2.0
// The alphas that diffusers keeps in a file's metadata, under lora_adapter_metadata, and nowhere
// else.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "specs/specs.h"

namespace lora {

struct FileAlphas {
  std::optional<double> usual;              // lora_alpha
  std::map<std::string, double> by_module;  // alpha_pattern, by the file's names of modules

  // By the official names of the parameters that they are for.
  std::map<std::string, double> of(const specs::DitSpec& spec) const;
};

// None where the metadata says nothing. Throws Error(invalid) where it is there and no JSON.
FileAlphas file_alphas(const std::map<std::string, std::string>& metadata);

}  // namespace lora
