// SPDX-License-Identifier: Apache-2.0
// The names that a pickle of weights may use, and what calling one does. Nothing else is known.
#pragma once

#include <string_view>

namespace weights {

// What a call of a known name does. `value` names (storage classes, dtypes) are not callable.
enum class Call { value, ordered_dict, rebuild_tensor, first_argument };

struct KnownName {
  std::string_view name;
  Call call;
};

// The row of "module.name", or nullptr: then the name is forbidden.
const KnownName* find_known_name(std::string_view name);

}  // namespace weights
