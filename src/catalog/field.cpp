// SPDX-License-Identifier: Apache-2.0
#include "catalog/field.h"

#include <vector>

#include "base/text.h"

namespace catalog {
namespace {

using base::text;

template <typename Value>
std::string one_of(const std::vector<Value>& values) {
  return text(values.size() > 1 ? "one of " : "", base::join(values, ", "));
}

std::string words(const Text& rule) {
  const auto range = rule.min_characters > 0 ? text(rule.min_characters, " to ") : "at most ";
  return text("a text of ", range, rule.max_characters, " characters");
}

std::string words(const Url&) {
  return text("an http or https URL of at most ", kMaxUrlCharacters, " characters");
}

std::string words(const Choice& rule) {
  return one_of(std::vector<std::string_view>(rule.options.begin(), rule.options.end()));
}

std::string words(const SizeName& rule) {
  std::vector<std::string> names;
  for (const auto size : rule.sizes) names.push_back(size_name(size));
  return one_of(names);
}

std::string words(const Side& rule) {
  if (rule.sizes.empty()) return text("a whole number from 1 to ", kMaxSide);
  std::vector<int> sides;
  for (const auto size : rule.sizes) sides.push_back(size.*rule.side);
  return one_of(sides);
}

std::string words(const Seconds& rule) {
  return one_of(std::vector<int>(rule.lengths.begin(), rule.lengths.end()));
}

std::string words(const Whole& rule) {
  return text("a whole number from ", rule.min, " to ", rule.max);
}

std::string words(const Real& rule) {
  return text("a number from ", rule.min, " to ", rule.max);
}

std::string words(const Flag&) {
  return "true or false";
}

std::string words(const Loras& rule) {
  return text("a list of at most ",
              rule.max_items,
              " LoRAs, each {\"path\": …, \"scale\": 0 to ",
              kMaxLoraScale,
              "}");
}

std::string words(const Unused&) {
  return "anything";
}

}  // namespace

std::string full_name(const Field& field) {
  return field.group.empty() ? std::string(field.name) : text(field.group, ".", field.name);
}

std::string rule_text(const Rule& rule) {
  return std::visit([](const auto& r) { return words(r); }, rule);
}

std::string size_name(specs::Size size) {
  return text(size.width, "*", size.height);
}

}  // namespace catalog
