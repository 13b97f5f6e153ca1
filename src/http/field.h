// SPDX-License-Identifier: Apache-2.0
// Header fields and query parameters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace http {

// Names of header fields are in lower case.
struct Field {
  std::string name;
  std::string value;
  bool operator==(const Field&) const = default;
};
using Fields = std::vector<Field>;

// The value of the first field of that name, or nullptr.
const std::string* find(const Fields& fields, std::string_view name);

// In lower case, for ASCII.
std::string lower_case(std::string_view text);

// Without the spaces and tabs at both ends.
std::string_view trim(std::string_view text);

}  // namespace http
