// SPDX-License-Identifier: Apache-2.0
// What a LoRA's file holds and for which models it is.
#pragma once

#include <filesystem>

#include "base/json.h"

namespace cli {

// {"file", "models": [{"names", "modules", "left_out"}], "forms", "ranks", "expert"}; where it is
// for no known model, "problem" says why not.
base::Json describe_adapter(const std::filesystem::path& file);

// The same as lines of text.
void print_adapter(const base::Json& adapter);

}  // namespace cli
