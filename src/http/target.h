// SPDX-License-Identifier: Apache-2.0
// The target of a request: path and query out of what follows the method.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/field.h"

namespace http {

struct Target {
  std::string path;
  Fields query;
  std::string query_text;  // the same, as it came
  std::string complaint;   // why it is refused; empty: it is fine
};

// Decodes once. Refused are: anything but the origin form, bytes that no target may hold, broken
// percent signs, and what decodes to a control byte, to anything but UTF-8 or, in the path, to a
// backslash or a ".." segment.
Target read_target(std::string_view text);

// "%41+b" -> "A+b"; nothing where a percent sign has no two digits.
std::optional<std::string> percent_decode(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace http
