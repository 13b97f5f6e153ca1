// SPDX-License-Identifier: Apache-2.0
#include "api/body_fields.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "catalog/values.h"

namespace api {

using base::Error;
using base::Fault;
using base::Json;
using base::text;

namespace {

// Without U+0000, which PostgreSQL does not store.
bool is_text(const Json& value) {
  return value.is_string() && value.get_ref<const std::string&>().find('\0') == std::string::npos;
}

}  // namespace

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

const Json* BodyFields::take(const char* name) {
  if (std::ranges::find(taken_, name) == taken_.end()) taken_.emplace_back(name);
  const auto found = body_.find(name);
  return found == body_.end() || found->is_null() ? nullptr : &*found;
}

int64_t BodyFields::whole(const char* name, int64_t preset, int64_t min, int64_t max) {
  const auto* value = take(name);
  if (value == nullptr) return preset;
  const auto number = catalog::as_whole(*value);
  if (number && *number >= min && *number <= max) return *number;
  complain(
      text(name, ": ", catalog::shown(*value), " is not a whole number from ", min, " to ", max));
  return preset;
}

double BodyFields::number(const char* name, double min, double max) {
  const auto* value = take(name);
  if (value == nullptr) return min;
  const auto number = catalog::as_finite(*value);
  if (number && *number >= min && *number <= max) return *number;
  complain(text(name, ": ", catalog::shown(*value), " is not a number from ", min, " to ", max));
  return min;
}

std::string BodyFields::word(const char* name) {
  const auto* value = take(name);
  if (value == nullptr) return {};
  if (is_text(*value)) return value->get<std::string>();
  complain(text(name, ": ", catalog::shown(*value), " is not a text"));
  return {};
}

int64_t BodyFields::time(const char* name) {
  const auto value = word(name);
  try {
    return value.empty() ? 0 : base::parse_iso8601(value, name);
  } catch (const Error& error) {
    complain(error.what());
    return 0;
  }
}

bool BodyFields::flag(const char* name) {
  const auto* value = take(name);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  complain(text(name, ": ", catalog::shown(*value), " is not true or false"));
  return false;
}

std::vector<std::string> BodyFields::words(const char* name, size_t most) {
  const auto* value = take(name);
  const bool fits = value != nullptr && value->is_array() && value->size() <= most &&
                    std::ranges::all_of(*value, is_text);
  if (fits) return value->get<std::vector<std::string>>();
  complain(text(name, ": is not a list of at most ", most, " texts"));
  return {};
}

void BodyFields::done() {
  for (const auto& [name, value] : body_.items()) {
    if (std::ranges::find(taken_, name) == taken_.end()) {
      complain(text(name, ": no such field; there are ", base::join(taken_, ", ")));
    }
  }
  if (!complaints_.empty()) throw Error(Fault::invalid, base::join(complaints_, "; "));
}

}  // namespace api
