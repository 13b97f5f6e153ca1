// SPDX-License-Identifier: Apache-2.0
// The weights of a network that an adapter can change, found by any spelling of their modules.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "lora/key.h"
#include "specs/specs.h"

namespace lora {

struct Target {
  std::string parameter;  // its official name, "blocks.0.self_attn.q.weight"
  std::vector<int64_t> shape;

  // What it belongs to: "blocks.0.self_attn.q".
  std::string module() const;
};

// Made of the network's own parameters: a file's names are compared with these, dots and
// underscores alike, and never guessed at. Underscores cannot be undone: k_img and self_attn have
// some of their own.
class Targets {
 public:
  explicit Targets(const specs::DitSpec& spec);

  // The weight that the key means, or nullptr.
  const Target* find(const Key& key) const;

 private:
  std::map<std::string, Target, std::less<>> by_name_;  // official and diffusers names, flattened
};

// The same network with the parts that only Wan 2.1's image-to-video models have: what an adapter
// for those may name and this network lacks.
specs::DitSpec with_image_branch(specs::DitSpec spec);

}  // namespace lora
