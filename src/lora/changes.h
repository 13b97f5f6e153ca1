// SPDX-License-Identifier: Apache-2.0
// The tensors that a file has for one weight, checked and made a change of it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "lora/adapter.h"
#include "lora/key.h"
#include "lora/targets.h"

namespace lora {

struct NamedView {
  std::string name;  // in the file
  TensorView view;
};

// All that a file has for one parameter.
struct Pieces {
  Target target;
  std::map<Role, NamedView> by_role;
  std::optional<double> alpha;  // of the file's metadata; a tensor of its own goes before it
};

// Complaints begin with their code; skipped are names of tensors that do not fit and need not.
struct Made {
  std::vector<Change> changes;
  std::vector<std::string> complaints;
  std::vector<std::string> skipped;
  std::vector<std::string> unknown;
};

Made make_changes(const Pieces& pieces);

}  // namespace lora
