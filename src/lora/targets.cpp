// SPDX-License-Identifier: Apache-2.0
#include "lora/targets.h"

#include <algorithm>

#include "weights/inventory.h"
#include "weights/names.h"

namespace lora {
namespace {

std::string flattened(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

// What may follow the module's name in the parameter that a role is about.
std::vector<std::string_view> endings_of(Role role) {
  switch (role) {
    case Role::bias_difference:
      return {".bias"};
    case Role::modulation_difference:
      return {".modulation"};
    case Role::difference:
      return {".weight", ""};  // a modulation is a parameter itself
    default:
      return {".weight"};
  }
}

}  // namespace

std::string Target::module() const {
  for (const std::string_view ending : {".weight", ".bias"}) {
    if (parameter.ends_with(ending)) return parameter.substr(0, parameter.size() - ending.size());
  }
  return parameter;
}

Targets::Targets(const specs::DitSpec& spec) {
  for (auto& tensor : weights::tensors_of(spec)) {
    const auto diffusers = weights::foreign_name(weights::dit_names(), tensor.name);
    const Target target{tensor.name, std::move(tensor.shape)};
    by_name_.emplace(flattened(tensor.name), target);
    by_name_.emplace(flattened(diffusers), target);
  }
}

const Target* Targets::find(const Key& key) const {
  for (const auto ending : endings_of(key.role)) {
    const auto found = by_name_.find(flattened(key.module + std::string(ending)));
    if (found != by_name_.end()) return &found->second;
  }
  return nullptr;
}

specs::DitSpec with_image_branch(specs::DitSpec spec) {
  if (spec.clip_dim == 0) spec.clip_dim = 1280;
  spec.image_tokens = 514;
  return spec;
}

}  // namespace lora
