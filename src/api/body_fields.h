// SPDX-License-Identifier: Apache-2.0
// Small bodies of JSON, read as strictly as those of the catalog: every complaint at once, unknown
// fields included.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace api {

// ASCII from the space on: fit to stand in a header.
bool is_printable(std::string_view text);

class BodyFields {
 public:
  // `body` is an object and outlives this.
  explicit BodyFields(const base::Json& body) : body_(body) {}

  // Each gives its preset where the field is absent, null or wrong.
  int64_t whole(const char* name, int64_t preset, int64_t min, int64_t max);  // 5.0 is 5
  double number(const char* name, double min, double max);                    // its preset is `min`
  std::string word(const char* name);
  int64_t time(const char* name);  // milliseconds since 1970; 0: absent
  bool flag(const char* name);
  std::vector<std::string> words(const char* name, size_t most);
  // The field as it is, or null.
  const base::Json* take(const char* name);

  void complain(std::string complaint) { complaints_.push_back(std::move(complaint)); }

  // Throws Error(invalid) with everything that was wrong. Call it after the last field.
  void done();

 private:
  const base::Json& body_;
  std::vector<std::string> taken_, complaints_;
};

}  // namespace api
