// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

namespace http {

Pattern::Pattern(std::string text) : text_(std::move(text)) {
  if (!text_.starts_with('/')) throw std::logic_error(text_ + " does not begin with a slash");
  std::string_view left = std::string_view(text_).substr(1);
  for (bool is_last = false; !is_last;) {
    const auto segment = left.substr(0, left.find('/'));
    is_last = segment.size() == left.size();
    left.remove_prefix(is_last ? left.size() : segment.size() + 1);
    const bool is_capture = segment.starts_with('{') && segment.ends_with('}');
    const bool is_rest = is_capture && segment.ends_with("...}");
    if (is_rest && !is_last) throw std::logic_error(text_ + " goes on behind {...}");
    if (is_rest) {
      segments_.push_back({rest, std::string(segment.substr(1, segment.size() - 5))});
    } else if (is_capture) {
      segments_.push_back({capture, std::string(segment.substr(1, segment.size() - 2))});
    } else {
      segments_.push_back({literal, std::string(segment)});
    }
  }
}

bool Pattern::match(std::string_view path, std::map<std::string, std::string>& captured) const {
  if (!path.starts_with('/')) return false;
  std::string_view left = path.substr(1);
  std::vector<std::pair<const std::string*, std::string_view>> values;
  for (size_t i = 0; i < segments_.size(); ++i) {
    const auto& segment = segments_[i];
    const auto text = segment.kind == rest ? left : left.substr(0, left.find('/'));
    const bool fits = segment.kind == literal ? text == segment.text : !text.empty();
    const bool is_path_at_end = text.size() == left.size();
    const bool is_last = i + 1 == segments_.size();
    if (!fits || is_path_at_end != is_last) return false;
    if (segment.kind != literal) values.emplace_back(&segment.text, text);
    left.remove_prefix(is_path_at_end ? left.size() : text.size() + 1);
  }
  for (const auto& [name, value] : values) captured[*name] = value;
  return true;
}

bool Pattern::is_same_shape(const Pattern& other) const {
  return std::ranges::equal(segments_, other.segments_, [](const Segment& a, const Segment& b) {
    return a.kind == b.kind && (a.kind != literal || a.text == b.text);
  });
}

bool Pattern::goes_before(const Pattern& other) const {
  return std::ranges::lexicographical_compare(
      segments_, other.segments_, {}, &Segment::kind, &Segment::kind);
}

}  // namespace http
