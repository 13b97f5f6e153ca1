// SPDX-License-Identifier: Apache-2.0
#include "catalog/values.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"

namespace catalog {
namespace {

using base::Json;

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
}

std::string as_quoted(std::string_view utf8) {
  constexpr size_t kMaxCharacters = 40;
  size_t end = 0;
  for (size_t begun = 0; end < utf8.size(); ++end) {
    if (begins_character(utf8[end]) && begun++ == kMaxCharacters) break;
  }
  const auto cut = base::text(utf8.substr(0, end), end < utf8.size() ? "…" : "");
  return Json(cut).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

const Json* member(const Json& object, std::string_view name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string_view as_text(const Json& value) {
  return value.is_string() ? std::string_view(value.get_ref<const std::string&>()) : "";
}

std::optional<int64_t> as_whole(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
    return number > kMax ? std::nullopt : std::optional(static_cast<int64_t>(number));
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  constexpr double kExact = 9007199254740992.0;  // 2^53: from here on doubles skip whole numbers
  const auto number = value.get<double>();
  const bool is_whole = std::trunc(number) == number && std::abs(number) < kExact;
  return is_whole ? std::optional(static_cast<int64_t>(number)) : std::nullopt;
}

std::optional<double> as_finite(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  const auto number = value.get<double>();
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

bool is_url(std::string_view text) {
  const size_t host = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  const auto end = std::min(text.find_first_of("/?#", host), text.size());
  const auto is_allowed = [](char c) { return c > ' ' && c <= '~' && c != '\\'; };
  return host > 0 && end > host && text.substr(host, end - host).find('@') == std::string::npos &&
         std::ranges::all_of(text, is_allowed);
}

int64_t count_characters(std::string_view utf8) {
  return std::ranges::count_if(utf8, begins_character);
}

std::string shown(const Json& value) {
  if (value.is_string()) return as_quoted(value.get_ref<const std::string&>());
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  return value.dump();
}

std::string shown_name(std::string_view name) {
  const auto with_quotes = as_quoted(name);
  return with_quotes.substr(1, with_quotes.size() - 2);
}

}  // namespace catalog
