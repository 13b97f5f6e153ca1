// SPDX-License-Identifier: Apache-2.0
// THE table. Ids, fields, limits, defaults and prices of the wavespeed wire are those of the
// vendor's own model list (tests/server/vendor_models.json; vendor_test.cpp compares and names the
// few differences with their reasons); alibaba/… and the jiekou wire follow the vendors' pages.
#include "catalog/catalog.h"

#include <set>

#include "base/text.h"
#include "catalog/text_to_video.h"

namespace catalog {
namespace {

// ── prices ──────────────────────────────────────────────────────────────────────────────────────

// The vendor's pages: "per second", 8 s of Wan 2.2 cost 8/5 of 5 s (0.05 and 0.08); 10 s of Wan 2.1
// cost one and a half times 5 s (0.125 and 0.188, 0.30 and 0.45), and the seconds between are
// assumed to lie on a line.
constexpr int kBySecond = 20;
constexpr int kByHalfSecond = 10;

constexpr Price flat(int mills, int percent_per_second) {
  return {{mills, mills, mills}, percent_per_second};
}

// Jiekou prices by size, speed and LoRAs, but its numbers are in no source of ours. Assumed: those
// of the wavespeed endpoints of the same weights. These end at 720p; beyond, five times 480p, as
// Alibaba has it for the same model (0.14 and 0.70 yuan a second).
constexpr Price kJiekouWan21Price = {
    .mills = {200, 300, 300}, .percent_per_second = kByHalfSecond, .fast_discount_mills = 75};
constexpr Price kJiekouWan22Price = {
    .mills = {150, 300, 750}, .percent_per_second = kBySecond, .lora_mills = 50};

// ── the table ───────────────────────────────────────────────────────────────────────────────────

using Fields = std::span<const Field>;
enum class Speed { full, fast };

constexpr Endpoint wavespeed(
    std::string_view id, std::string_view weights, Fields fields, Speed speed, Price price) {
  return {.id = id,
          .wire = Wire::wavespeed,
          .kind = Kind::text_to_video,
          .weights = weights,
          .fast_mode = speed == Speed::fast,
          .fields = fields,
          .extras = kWavespeedExtras,
          .price = price};
}
constexpr Endpoint wan22(std::string_view id, Fields fields, Speed speed, int mills) {
  return wavespeed(id, "wan2.2-t2v-a14b", fields, speed, flat(mills, kBySecond));
}
constexpr Endpoint wan22_small(std::string_view id, Fields fields, Speed speed, int mills) {
  return wavespeed(id, "wan2.2-ti2v-5b", fields, speed, flat(mills, kBySecond));
}
constexpr Endpoint wan21(std::string_view id, Fields fields, Speed speed, int mills) {
  return wavespeed(id, "wan2.1-t2v-14b", fields, speed, flat(mills, kByHalfSecond));
}
using enum Speed;

constexpr Endpoint kEndpoints[] = {
    // id, fields, speed, price of the first five seconds in mills
    wan22("wavespeed-ai/wan-2.2/t2v-480p", kWan22At480p, full, 150),
    wan22("wavespeed-ai/wan-2.2/t2v-480p-ultra-fast", kWan22At480p, fast, 50),
    wan22("wavespeed-ai/wan-2.2/t2v-480p-lora", kWan22LoraAt480p, full, 200),
    wan22("wavespeed-ai/wan-2.2/t2v-480p-lora-ultra-fast", kWan22LoraAt480p, fast, 100),
    wan22("wavespeed-ai/wan-2.2/t2v-720p", kWan22At720p, full, 300),
    wan22("wavespeed-ai/wan-2.2/t2v-720p-ultra-fast", kWan22At720p, fast, 100),
    wan22("wavespeed-ai/wan-2.2/t2v-720p-lora", kWan22LoraAt720p, full, 350),
    wan22("wavespeed-ai/wan-2.2/t2v-720p-lora-ultra-fast", kWan22LoraAt720p, fast, 150),
    wan22("alibaba/wan-2.2/t2v-plus-480p", kWan22Plus, full, 50),
    wan22_small("wavespeed-ai/wan-2.2/t2v-5b-720p", kWan22Small, full, 50),
    wan22_small("wavespeed-ai/wan-2.2/t2v-5b-720p-lora", kWan22SmallLora, full, 100),

    wan21("wavespeed-ai/wan-2.1/t2v-480p", kWan21At480p, full, 200),
    wan21("wavespeed-ai/wan-2.1/t2v-480p-ultra-fast", kWan21FewAt480p, fast, 125),
    wan21("wavespeed-ai/wan-2.1/t2v-480p-lora", kWan21LoraAt480p, full, 200),
    wan21("wavespeed-ai/wan-2.1/t2v-480p-lora-ultra-fast", kWan21FewLoraAt480p, fast, 125),
    wan21("wavespeed-ai/wan-2.1/t2v-720p", kWan21At720p, full, 300),
    wan21("wavespeed-ai/wan-2.1/t2v-720p-ultra-fast", kWan21FewAt720p, fast, 225),
    wan21("wavespeed-ai/wan-2.1/t2v-720p-lora", kWan21LoraAt720p, full, 300),
    wan21("wavespeed-ai/wan-2.1/t2v-720p-lora-ultra-fast", kWan21FewLoraAt720p, fast, 225),

    {.id = "wan-t2v",
     .wire = Wire::jiekou,
     .kind = Kind::text_to_video,
     .weights = "wan2.1-t2v-14b",
     .fast_mode = false,
     .fields = kJiekouWan21,
     .extras = kJiekouWan21Extras,
     .price = kJiekouWan21Price},
    {.id = "wan-2.2-t2v",
     .wire = Wire::jiekou,
     .kind = Kind::text_to_video,
     .weights = "wan2.2-t2v-a14b",
     .fast_mode = false,
     .fields = kJiekouWan22,
     .extras = kJiekouWan22Extras,
     .price = kJiekouWan22Price},
};

// ── what a row must fulfil: a slip is a build error ─────────────────────────────────────────────

constexpr auto count_named(const Endpoint& row, const Field& field) {
  const auto is_namesake = [&](const Field& other) {
    return other.name == field.name && other.group == field.group;
  };
  return std::ranges::count_if(row.fields, is_namesake) +
         std::ranges::count_if(row.extras, is_namesake);
}

constexpr bool sets_the_size(const Field& field) {
  return std::holds_alternative<SizeName>(field.rule) || std::holds_alternative<Side>(field.rule);
}

constexpr bool is_sound(const Endpoint& row) {
  const auto is_sound_field = [&](const Field& field) {
    return allows_its_preset(field.rule) && count_named(row, field) == 1;
  };
  return std::ranges::all_of(row.fields, is_sound_field) &&
         std::ranges::all_of(row.extras, is_sound_field) &&
         std::ranges::any_of(row.fields, sets_the_size) &&
         std::ranges::all_of(row.price.mills, [](int mills) { return mills > 0; });
}
static_assert(std::ranges::all_of(kEndpoints, is_sound));

constexpr bool ids_are_unique() {
  for (const auto& a : kEndpoints) {
    for (const auto& b : kEndpoints) {
      if (&a != &b && a.wire == b.wire && a.id == b.id) return false;
    }
  }
  return true;
}
static_assert(ids_are_unique());

}  // namespace

std::span<const Endpoint> endpoints() {
  return kEndpoints;
}

const Endpoint* find(Wire wire, std::string_view id) {
  const auto* found = std::ranges::find_if(
      kEndpoints, [&](const Endpoint& row) { return row.wire == wire && row.id == id; });
  return found == std::end(kEndpoints) ? nullptr : found;
}

std::string path_of(const Endpoint& endpoint) {
  return base::text(endpoint.wire == Wire::wavespeed ? "/api/v3/" : "/v3/async/", endpoint.id);
}

std::string_view name_of(Wire wire) {
  return wire == Wire::wavespeed ? "wavespeed" : "jiekou";
}

std::string_view name_of(Kind) {
  return "text-to-video";
}

std::string_view type_of(const Endpoint& endpoint) {
  return find_field<Loras>(endpoint) ? "lora-support" : name_of(endpoint.kind);
}

std::span<const specs::Size> sizes_of(const Endpoint& endpoint) {
  if (const auto* field = find_field<SizeName>(endpoint))
    return std::get<SizeName>(field->rule).sizes;
  return std::get<Side>(find_field<Side>(endpoint)->rule).sizes;
}

std::string summary_of(const Endpoint& endpoint) {
  std::set<std::string_view> resolutions;
  for (const auto size : sizes_of(endpoint)) resolutions.insert(kResolutions[resolution_of(size)]);
  return base::text("Text to video with ",
                    endpoint.weights,
                    " at ",
                    base::join(resolutions, " or "),
                    find_field<Loras>(endpoint) ? ", with LoRAs" : "",
                    endpoint.fast_mode ? ", in few steps." : ".");
}

}  // namespace catalog
