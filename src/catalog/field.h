// SPDX-License-Identifier: Apache-2.0
// One parameter of an endpoint, said once: its name on the wire, what it may be, what it is when
// absent, and the member of GenerateRequest where it lands.
#pragma once

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "catalog/request.h"

namespace catalog {

template <typename Member>
using Into = Member GenerateRequest::*;

// Characters are Unicode code points.
struct Text {
  Into<std::string> into;
  int min_characters = 0;  // from 1 on, a text of nothing but spaces is refused as well
  int max_characters = 0;
};

// An address of the web.
struct Url {
  Into<std::string> into;
};
constexpr int kMaxUrlCharacters = 4'096;

// The first of the options is the default.
struct Choice {
  Into<std::string> into;
  std::span<const std::string_view> options;
};

// "832*480". The first of the sizes is the default.
struct SizeName {
  std::span<const specs::Size> sizes;
};

// The size in two fields, of which this is one side.
struct Side {
  int specs::Size::*side;
  std::span<const specs::Size> sizes;  // empty: any up to kMaxSide
};
constexpr int kMaxSide = 16'384;

constexpr int64_t kAnyPixels = std::numeric_limits<int64_t>::max();

// The first of the lengths is the default; a longer video has at most so many pixels.
struct Seconds {
  std::span<const int> lengths;
  int64_t max_pixels_if_longer = kAnyPixels;
};

struct Whole {
  std::variant<Into<int>, Into<int64_t>, Into<std::optional<int>>> into;
  int64_t min, max;
  std::optional<int64_t> preset;  // none: the member's own default
};

struct Real {
  Into<std::optional<double>> into;
  double min, max;
  std::optional<double> preset;
};

struct Flag {
  Into<bool> into;
  bool preset;
};

// [{"path": …, "scale": …}]
struct Loras {
  Into<std::vector<Lora>> into;
  size_t max_items;
};
constexpr double kMaxLoraScale = 4;

// Sent by clients, without effect here: any value is taken, with a warning.
struct Unused {
  std::string_view reason;
};

using Rule =
    std::variant<Text, Url, Choice, SizeName, Side, Seconds, Whole, Real, Flag, Loras, Unused>;

struct Field {
  std::string_view name;
  Rule rule;
  std::string_view help;
  bool required = false;
  std::string_view group = {};  // the object that holds it, as in "extra.webhook"; empty: the body
};

// "prompt", "input.prompt"
std::string full_name(const Field& field);

// What a value must be, as in "6 is not one of 5, 8".
std::string rule_text(const Rule& rule);

// "832*480"
std::string size_name(specs::Size size);

// Whether the default of the rule fulfils the rule.
constexpr bool allows_its_preset(const Rule& rule) {
  if (const auto* choice = std::get_if<Choice>(&rule)) return !choice->options.empty();
  if (const auto* sizes = std::get_if<SizeName>(&rule)) return !sizes->sizes.empty();
  if (const auto* side = std::get_if<Side>(&rule)) return !side->sizes.empty();
  if (const auto* seconds = std::get_if<Seconds>(&rule)) return !seconds->lengths.empty();
  if (const auto* whole = std::get_if<Whole>(&rule)) {
    const auto preset = whole->preset.value_or(whole->min);
    return whole->min <= preset && preset <= whole->max;
  }
  if (const auto* real = std::get_if<Real>(&rule)) {
    const auto preset = real->preset.value_or(real->min);
    return real->min <= preset && preset <= real->max;
  }
  if (const auto* text = std::get_if<Text>(&rule)) {
    return text->min_characters <= text->max_characters;
  }
  return true;
}

}  // namespace catalog
