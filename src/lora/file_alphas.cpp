// SPDX-License-Identifier: Apache-2.0
#include "lora/file_alphas.h"

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "lora/targets.h"
#include "weights/inventory.h"

namespace lora {

std::map<std::string, double> FileAlphas::of(const specs::DitSpec& spec) const {
  std::map<std::string, double> alphas;
  if (usual) {
    for (const auto& tensor : weights::tensors_of(spec)) alphas[tensor.name] = *usual;
  }
  const Targets targets(spec);
  for (const auto& [module, alpha] : by_module) {
    if (const auto* target = targets.find({module, Role::alpha})) alphas[target->parameter] = alpha;
  }
  return alphas;
}

FileAlphas file_alphas(const std::map<std::string, std::string>& metadata) {
  const auto found = metadata.find("lora_adapter_metadata");
  if (found == metadata.end()) return {};
  FileAlphas alphas;
  try {
    const auto json = base::parse_json(found->second, "lora_adapter_metadata");
    for (const std::string part : {"transformer.", "transformer_2."}) {
      if (const auto usual = json.find(part + "lora_alpha"); usual != json.end()) {
        alphas.usual = usual->get<double>();
      }
      const auto pattern = json.find(part + "alpha_pattern");
      if (pattern == json.end()) continue;
      for (const auto& [module, alpha] : pattern->items()) alphas.by_module[module] = alpha;
    }
  } catch (const std::exception& problem) {
    throw base::Error(base::Fault::invalid,
                      base::text("lora_file_invalid: lora_adapter_metadata: ", problem.what()));
  }
  return alphas;
}

}  // namespace lora
