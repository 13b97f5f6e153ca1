// SPDX-License-Identifier: Apache-2.0
#include "http/range.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "base/text.h"

namespace http {
namespace {

// Whether a list of entity tags holds ours. A weak one never matches where the match must be
// strong.
bool has_tag(std::string_view list, const std::string& etag, bool is_strong) {
  if (trim(list) == "*") return true;
  const auto quoted = "\"" + etag + "\"";
  while (!list.empty()) {
    const auto item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    auto tag = trim(item);
    if (!is_strong && tag.starts_with("W/")) tag.remove_prefix(2);
    if (!etag.empty() && tag == quoted) return true;
  }
  return false;
}

// Digits only; what is beyond 64 bits is the largest number, which lies behind every file's end.
std::optional<uint64_t> read_position(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos) return {};
  uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() ? number : std::numeric_limits<uint64_t>::max();
}

FilePart whole(uint64_t file_bytes) {
  return {200, 0, file_bytes, {}};
}

FilePart part(uint64_t first, uint64_t last, uint64_t file_bytes) {
  if (first >= file_bytes) return {416, 0, 0, base::text("bytes */", file_bytes)};
  last = std::min(last, file_bytes - 1);
  return {206, first, last - first + 1, base::text("bytes ", first, '-', last, '/', file_bytes)};
}

FilePart read_range(std::string_view value, uint64_t file_bytes) {
  constexpr std::string_view kUnit = "bytes=";
  if (!lower_case(value).starts_with(kUnit)) return whole(file_bytes);
  const auto range = trim(value.substr(kUnit.size()));
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) return whole(file_bytes);
  const auto first = read_position(range.substr(0, dash));
  const auto last = read_position(range.substr(dash + 1));
  if (dash == 0 && last) {  // the last so many bytes
    if (*last == 0) return part(file_bytes, file_bytes, file_bytes);
    return part(file_bytes - std::min(*last, file_bytes), file_bytes, file_bytes);
  }
  if (first && dash + 1 == range.size()) return part(*first, file_bytes, file_bytes);
  if (first && last && *first <= *last) return part(*first, *last, file_bytes);
  return whole(file_bytes);
}

}  // namespace

FilePart select_part(const std::string& method,
                     const Fields& headers,
                     uint64_t file_bytes,
                     const std::string& etag) {
  const auto* if_match = find(headers, "if-match");
  if (if_match != nullptr && !has_tag(*if_match, etag, true)) return {412, 0, 0, {}};
  const auto* if_none_match = find(headers, "if-none-match");
  if (if_none_match != nullptr && has_tag(*if_none_match, etag, false)) return {304, 0, 0, {}};
  const auto* range = find(headers, "range");
  const auto* if_range = find(headers, "if-range");
  const bool is_other_file =
      if_range != nullptr && (etag.empty() || trim(*if_range) != "\"" + etag + "\"");
  if (range == nullptr || method != "GET" || is_other_file) return whole(file_bytes);
  return read_range(*range, file_bytes);
}

}  // namespace http
