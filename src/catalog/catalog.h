// SPDX-License-Identifier: Apache-2.0
// What is on offer: one row per endpoint, from which parsing, prices, listings, OpenAPI and
// docs/models.md are derived. The table itself is catalog.cpp.
#pragma once

#include <array>

#include "catalog/field.h"

namespace catalog {

enum class Wire { wavespeed, jiekou };
enum class Kind { text_to_video };

// Classes of sizes, by their pixels. 624*624 is 480p, 1440*1440 is 1080p.
constexpr std::string_view kResolutions[] = {"480p", "720p", "1080p"};
constexpr int64_t kPixels480p = int64_t{832} * 480;
constexpr int64_t kPixels720p = int64_t{1280} * 720;

// The index of the class in kResolutions.
constexpr size_t resolution_of(specs::Size size) {
  const auto pixels = int64_t{size.width} * size.height;
  return pixels <= kPixels480p ? 0 : pixels <= kPixels720p ? 1 : 2;
}

// In mills, thousandths of a US dollar.
struct Price {
  std::array<int, 3> mills;     // of the first five seconds, by resolution
  int percent_per_second = 0;   // of that, for each second more
  int lora_mills = 0;           // more, where LoRAs are asked for
  int fast_discount_mills = 0;  // less, where fast mode is asked for
};

struct Endpoint {
  std::string_view id;  // the end of its path, and the name of its model on the wire
  Wire wire;
  Kind kind;
  std::string_view weights;       // a name of specs::models()
  bool fast_mode;                 // always in few steps
  std::span<const Field> fields;  // in the order of listings and forms
  std::span<const Field> extras;  // what clients send besides; in no model list
  Price price;
};

std::span<const Endpoint> endpoints();

// The endpoint, or nullptr.
const Endpoint* find(Wire wire, std::string_view id);

// "/api/v3/wavespeed-ai/wan-2.2/t2v-480p"
std::string path_of(const Endpoint& endpoint);

// The field that has a rule of this type, or nullptr.
template <typename RuleType>
const Field* find_field(const Endpoint& endpoint) {
  const auto found = std::ranges::find_if(endpoint.fields, [](const Field& field) {
    return std::holds_alternative<RuleType>(field.rule);
  });
  return found == endpoint.fields.end() ? nullptr : &*found;
}

// The sizes that can be asked for, the default first.
std::span<const specs::Size> sizes_of(const Endpoint& endpoint);

// "wavespeed", "text-to-video"
std::string_view name_of(Wire wire);
std::string_view name_of(Kind kind);

// What the model list calls the type: "lora-support" where LoRAs are taken, else the kind.
std::string_view type_of(const Endpoint& endpoint);

// One sentence, made of the row.
std::string summary_of(const Endpoint& endpoint);

// What the request costs. It must have been parsed by this endpoint.
int64_t price_mills(const Endpoint& endpoint, const GenerateRequest& request);

// What a request with nothing but a prompt costs.
int64_t base_price_mills(const Endpoint& endpoint);

// 125 -> "0.125", 50 -> "0.05"
std::string dollars(int64_t mills);

}  // namespace catalog
