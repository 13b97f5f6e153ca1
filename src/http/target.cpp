// SPDX-License-Identifier: Apache-2.0
#include "http/target.h"

#include <algorithm>

#include "base/text.h"

namespace http {
namespace {

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// Bytes of the sequence that begins with `lead`; 0 where none does (RFC 3629 §4).
size_t utf8_length(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  if (lead >= 0xf0 && lead <= 0xf4) return 4;
  return 0;
}

// The second byte is what keeps out overlong forms, surrogates and what lies beyond U+10FFFF.
bool is_second_byte(unsigned char lead, unsigned char second) {
  const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  return second >= low && second <= high;
}

bool has_parent_segment(std::string_view path) {
  size_t begin = 0;
  while (begin < path.size()) {
    const auto end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == "..") return true;
    begin = end + 1;
  }
  return false;
}

// What is wrong with a decoded part of the target, or nothing.
std::string complaint_about(const std::optional<std::string>& decoded, std::string_view part) {
  if (!decoded)
    return base::text("a percent sign in the ", part, " has no two hex digits after it");
  if (std::ranges::any_of(*decoded, is_control)) {
    return base::text("the ", part, " holds a control byte");
  }
  if (!is_utf8(*decoded)) return base::text("the ", part, " is not UTF-8");
  return {};
}

std::string read_path(std::string_view text, Target& target) {
  auto path = percent_decode(text);
  if (auto complaint = complaint_about(path, "path"); !complaint.empty()) return complaint;
  if (path->find('\\') != std::string::npos) return "the path holds a backslash";
  if (has_parent_segment(*path)) return "the path holds a segment \"..\"";
  target.path = std::move(*path);
  return {};
}

std::optional<std::string> decode_form(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return percent_decode(spaced);
}

std::string read_query(std::string_view text, Target& target) {
  while (!text.empty()) {
    const auto pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = decode_form(pair.substr(0, equals));
    auto value = decode_form(pair.substr(std::min(equals + 1, pair.size())));
    for (const auto* decoded : {&name, &value}) {
      if (auto complaint = complaint_about(*decoded, "query"); !complaint.empty()) return complaint;
    }
    target.query.push_back({std::move(*name), std::move(*value)});
  }
  return {};
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const auto length = utf8_length(lead);
    if (length == 0 || text.size() - i < length) return false;
    for (size_t k = 1; k < length; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + k]);
      if (k == 1 ? !is_second_byte(lead, byte) : (byte & 0xc0) != 0x80) return false;
    }
    i += length;
  }
  return true;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = digit_value(text[i + 1]);
    const int low = digit_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

Target read_target(std::string_view text) {
  Target target;
  const auto is_foreign = [](char c) { return c <= ' ' || c >= 0x7f || c == '#' || c == '\\'; };
  if (!text.starts_with('/')) {
    target.complaint = "the target does not begin with a slash";
  } else if (std::ranges::any_of(text, is_foreign)) {
    target.complaint = "the target holds a byte that no target may hold";
  } else {
    const auto question = std::min(text.find('?'), text.size());
    target.complaint = read_path(text.substr(0, question), target);
    if (target.complaint.empty()) {
      target.query_text = text.substr(std::min(question + 1, text.size()));
      target.complaint = read_query(target.query_text, target);
    }
  }
  return target;
}

}  // namespace http
