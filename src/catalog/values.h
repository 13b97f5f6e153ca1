// SPDX-License-Identifier: Apache-2.0
// Single values of JSON: read without bending them, and shown in messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace catalog {

// The member, or nullptr where it is absent or null.
const base::Json* member(const base::Json& object, std::string_view name);

// Empty for what is no text.
std::string_view as_text(const base::Json& value);

// 5 and 5.0; nothing for what is no whole number or does not fit.
std::optional<int64_t> as_whole(const base::Json& value);

// Nothing for what is no number, infinite or none at all.
std::optional<double> as_finite(const base::Json& value);

// http or https, and nothing that two parsers could read differently: printable ASCII, a host, no
// user, no backslash. It may still lead nowhere. The pattern says the same.
bool is_url(std::string_view text);
constexpr auto* kUrlPattern = R"(^https?://[!"$-.0->A-\[\]-~]+([/?#][!-\[\]-~]*)?$)";

// Unicode code points.
int64_t count_characters(std::string_view utf8);

// As it is written in JSON, a long text cut; "an object" and "a list" for these.
std::string shown(const base::Json& value);

// A name that a stranger chose: escaped and cut in the same way, without quotes.
std::string shown_name(std::string_view name);

}  // namespace catalog
