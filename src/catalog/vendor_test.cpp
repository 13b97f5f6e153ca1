// SPDX-License-Identifier: Apache-2.0
// Our rows beside the vendor's own model list, of which tests/server/vendor_models.json holds the
// facts of the ids that we serve (GET /api/v3/models as of 2026-08-18, descriptions left out).
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "catalog/schema.h"

namespace {

using base::Json;

struct Difference {
  std::string_view ids;   // those that contain this
  std::string_view path;  // those that end with this
  std::string_view reason;
};

constexpr Difference kDifferences[] = {
    {"", "/minLength", "an empty prompt or path is refused here, and the schema says so"},
    {"", "/maxLength", "texts have an end here, and the schema says where"},
    {"", "/seed/minimum", "the vendor's pages give one, its list does not"},
    {"", "/seed/maximum", "the same, but its ComfyUI nodes send more than its pages allow"},
    {"wan-2.1/t2v-480p-ultra-fast", "/num_inference_steps/minimum", "0 steps make no video"},
    {"wan-2.1/t2v-720p-ultra-fast", "/num_inference_steps/minimum", "0.1 is no number of steps"},
    {"ultra-fast", "/num_inference_steps/default", "weights made for few steps have their own"},
    {"ultra-fast", "/guidance_scale/default", "the same"},
    {"ultra-fast", "/flow_shift/default", "the same"},
};

Json vendor_models() {
  return base::read_json(std::string(ZOETROPE_SOURCE_DIR) + "/tests/server/vendor_models.json");
}

void drop_descriptions(Json& json) {
  if (json.is_object() && json.contains("description") && json["description"].is_string()) {
    json.erase("description");
  }
  for (auto& child : json) {
    if (child.is_structured()) drop_descriptions(child);
  }
}

// Our list in the form of the file.
std::map<std::string, Json> our_models() {
  std::map<std::string, Json> models;
  for (const auto& entry : catalog::model_list("https://example.com")) {
    auto schema = entry["api_schema"]["api_schemas"][0]["request_schema"];
    drop_descriptions(schema);
    models[entry["model_id"]] = {{"type", entry["type"]},
                                 {"base_price", entry["base_price"]},
                                 {"required", schema["required"]},
                                 {"x-order-properties", schema["x-order-properties"]},
                                 {"properties", schema["properties"]}};
  }
  return models;
}

TEST(Vendor, ServesTheSameTextToVideoModels) {
  const auto vendor = vendor_models();
  std::set<std::string> ours, theirs;
  for (const auto& [id, model] : our_models()) {
    if (id.starts_with("wavespeed-ai/")) ours.insert(id);
  }
  for (const auto& [id, model] : vendor.items()) theirs.insert(id);
  EXPECT_EQ(ours, theirs);
}

TEST(Vendor, DiffersFromUsOnlyWhereWeSayWhy) {
  const auto vendor = vendor_models();
  const auto ours = our_models();
  std::set<const Difference*> used;
  for (const auto& [id, model] : vendor.items()) {
    for (const auto& change : Json::diff(model, ours.at(id))) {
      const auto path = change["path"].get<std::string>();
      const auto* known = std::ranges::find_if(kDifferences, [&](const Difference& difference) {
        return id.find(difference.ids) != std::string::npos && path.ends_with(difference.path);
      });
      EXPECT_NE(known, std::end(kDifferences)) << id << ": " << change;
      used.insert(known);
    }
  }
  for (const auto& difference : kDifferences) {
    EXPECT_TRUE(used.contains(&difference)) << "gone: " << difference.ids << difference.path;
  }
}

}  // namespace
