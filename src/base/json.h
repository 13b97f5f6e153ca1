// SPDX-License-Identifier: Apache-2.0
// nlohmann::json behind a strict reader: bounded depth, no duplicate keys, whole text consumed.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace base {

using Json = nlohmann::json;

struct JsonLimits {
  int depth = 32;
  size_t bytes = 64u << 20;
};

// Throws Error(invalid) that starts with `what` (a file name, "request body") and says where and
// why.
Json parse_json(std::string_view text, std::string_view what, JsonLimits limits = {});

// Reads a whole file. Throws Error(not_found) when it cannot be opened.
Json read_json(const std::filesystem::path& file, JsonLimits limits = {});

}  // namespace base
