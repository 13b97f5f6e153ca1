// SPDX-License-Identifier: Apache-2.0
#include "catalog/catalog.h"

#include <set>

#include <gtest/gtest.h>

#include "catalog/parse.h"

namespace {

using base::Json;
using catalog::Wire;

const catalog::Endpoint& row(Wire wire, std::string_view id) {
  return *catalog::find(wire, id);
}

const catalog::Endpoint& wavespeed(std::string_view id) {
  return row(Wire::wavespeed, id);
}

TEST(Catalog, FindsEachEndpointByItsWireAndId) {
  for (const auto& endpoint : catalog::endpoints()) {
    EXPECT_EQ(catalog::find(endpoint.wire, endpoint.id), &endpoint);
  }
  EXPECT_EQ(catalog::find(Wire::wavespeed, "wan-t2v"), nullptr);
  EXPECT_EQ(catalog::find(Wire::jiekou, ""), nullptr);
}

TEST(Catalog, GivesEachEndpointAPathOfItsOwn) {
  std::set<std::string> paths;
  for (const auto& endpoint : catalog::endpoints()) paths.insert(path_of(endpoint));
  EXPECT_EQ(paths.size(), catalog::endpoints().size());
  EXPECT_TRUE(paths.contains("/api/v3/wavespeed-ai/wan-2.2/t2v-480p"));
  EXPECT_TRUE(paths.contains("/v3/async/wan-t2v"));
}

TEST(Catalog, NamesWeightsThatExist) {
  for (const auto& endpoint : catalog::endpoints()) {
    EXPECT_NE(specs::find_model(endpoint.weights), nullptr) << endpoint.id;
  }
}

TEST(Catalog, OffersLorasForOneExpertOnlyWhereThereAreTwo) {
  for (const auto& endpoint : catalog::endpoints()) {
    const bool has_two = specs::find_model(endpoint.weights)->boundary > 0;
    for (const auto& field : endpoint.fields) {
      const bool is_for_one = field.name.find("_noise_loras") != std::string_view::npos;
      EXPECT_TRUE(has_two || !is_for_one) << endpoint.id;
    }
  }
}

TEST(Catalog, CallsEndpointsUltraFastThatTakeFewSteps) {
  for (const auto& endpoint : catalog::endpoints()) {
    EXPECT_EQ(endpoint.fast_mode, endpoint.id.ends_with("-ultra-fast")) << endpoint.id;
  }
}

TEST(Catalog, SumsUpAnEndpointInASentence) {
  EXPECT_EQ(summary_of(wavespeed("wavespeed-ai/wan-2.2/t2v-720p-lora-ultra-fast")),
            "Text to video with wan2.2-t2v-a14b at 720p, with LoRAs, in few steps.");
  EXPECT_EQ(summary_of(row(Wire::jiekou, "wan-t2v")),
            "Text to video with wan2.1-t2v-14b at 480p or 720p, with LoRAs.");
}

// ── prices ──────────────────────────────────────────────────────────────────────────────────────

int64_t price(const catalog::Endpoint& endpoint, const char* body) {
  const auto request = parse(endpoint, base::parse_json(body, "body")).request;
  return price_mills(endpoint, request);
}

TEST(Prices, AreThoseOfTheVendorsPages) {
  const auto& fast22 = wavespeed("wavespeed-ai/wan-2.2/t2v-480p-ultra-fast");
  EXPECT_EQ(price(fast22, R"({"prompt": "x"})"), 50);
  EXPECT_EQ(price(fast22, R"({"prompt": "x", "duration": 8})"), 80);
  const auto& lora22 = wavespeed("wavespeed-ai/wan-2.2/t2v-720p-lora");
  EXPECT_EQ(price(lora22, R"({"prompt": "x", "duration": 8})"), 560);
  const auto& fast21 = wavespeed("wavespeed-ai/wan-2.1/t2v-480p-lora-ultra-fast");
  EXPECT_EQ(price(fast21, R"({"prompt": "x", "duration": 10})"), 188);
  const auto& full21 = wavespeed("wavespeed-ai/wan-2.1/t2v-720p");
  EXPECT_EQ(price(full21, R"({"prompt": "x", "duration": 10})"), 450);
  EXPECT_EQ(price(wavespeed("alibaba/wan-2.2/t2v-plus-480p"), R"({"prompt": "x"})"), 50);
}

TEST(Prices, GrowOnALineBetweenKnownLengths) {
  const auto& endpoint = wavespeed("wavespeed-ai/wan-2.1/t2v-480p");
  EXPECT_EQ(price(endpoint, R"({"prompt": "x", "duration": 6})"), 220);
  EXPECT_EQ(price(endpoint, R"({"prompt": "x", "duration": 9})"), 280);
}

TEST(Prices, OfJiekouDependOnSizeSpeedAndLoras) {
  const auto& wan21 = row(Wire::jiekou, "wan-t2v");
  EXPECT_EQ(price(wan21, R"({"prompt": "x"})"), 200);
  EXPECT_EQ(price(wan21, R"({"prompt": "x", "fast_mode": true})"), 125);
  EXPECT_EQ(price(wan21, R"({"prompt": "x", "width": 720, "height": 1280})"), 300);
  const auto& wan22 = row(Wire::jiekou, "wan-2.2-t2v");
  EXPECT_EQ(price(wan22, R"({"input": {"prompt": "x"}})"), 750);
  EXPECT_EQ(price(wan22, R"({"input": {"prompt": "x"}, "parameters": {"size": "624*624"}})"), 150);
  EXPECT_EQ(price(wan22,
                  R"({"input": {"prompt": "x"},
                      "parameters": {"size": "1280*720", "duration": 8, "loras": [{"path": "a/b"}]}})"),
            560);
}

TEST(Prices, OfAPromptAloneAreTheBasePrice) {
  for (const auto& endpoint : catalog::endpoints()) {
    EXPECT_EQ(base_price_mills(endpoint) > 0, true);
    if (endpoint.wire != Wire::wavespeed) continue;
    EXPECT_EQ(base_price_mills(endpoint), price(endpoint, R"({"prompt": "x"})")) << endpoint.id;
  }
}

TEST(Prices, AreWrittenInDollarsWithAtLeastTwoDigits) {
  EXPECT_EQ(catalog::dollars(50), "0.05");
  EXPECT_EQ(catalog::dollars(125), "0.125");
  EXPECT_EQ(catalog::dollars(300), "0.30");
  EXPECT_EQ(catalog::dollars(12000), "12.00");
}

}  // namespace
