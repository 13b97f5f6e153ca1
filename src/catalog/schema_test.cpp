// SPDX-License-Identifier: Apache-2.0
#include "catalog/schema.h"

#include <set>

#include <gtest/gtest.h>

namespace {

using base::Json;
using catalog::Wire;

TEST(Schema, SaysOfAFieldWhatItsRuleSays) {
  const auto schema =
      request_schema(*catalog::find(Wire::wavespeed, "wavespeed-ai/wan-2.1/t2v-480p"));
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["required"], Json::array({"prompt"}));
  const auto& guidance = schema["properties"]["guidance_scale"];
  EXPECT_EQ(guidance["type"], "number");
  EXPECT_EQ(guidance["minimum"], 0);
  EXPECT_EQ(guidance["maximum"], 20);
  EXPECT_EQ(guidance["default"].dump(), "5");
  EXPECT_FALSE(schema["properties"].contains("enable_sync_mode"));
}

TEST(Schema, NestsTheGroupsOfABody) {
  const auto schema = request_schema(*catalog::find(Wire::jiekou, "wan-2.2-t2v"));
  EXPECT_EQ(schema["x-order-properties"], Json::array({"input", "parameters"}));
  EXPECT_EQ(schema["required"], Json::array({"input"}));
  EXPECT_EQ(schema["properties"]["input"]["required"], Json::array({"prompt"}));
  const auto& parameters = schema["properties"]["parameters"];
  EXPECT_EQ(parameters["additionalProperties"], false);
  EXPECT_EQ(parameters["properties"]["size"]["default"], "1920*1080");
}

TEST(Schema, ListsTheModelsOfTheWavespeedWire) {
  const auto list = catalog::model_list("https://example.com");
  const auto count =
      std::ranges::count(catalog::endpoints(), Wire::wavespeed, &catalog::Endpoint::wire);
  EXPECT_EQ(list.size(), static_cast<size_t>(count));
  const auto& entry = list[0];
  EXPECT_EQ(entry["model_id"], "wavespeed-ai/wan-2.2/t2v-480p");
  EXPECT_EQ(entry["base_price"], 0.15);
  const auto& call = entry["api_schema"]["api_schemas"][0];
  EXPECT_EQ(call["type"], "model_run");
  EXPECT_EQ(call["method"], "POST");
  EXPECT_EQ(call["server"], "https://example.com");
  EXPECT_EQ(call["api_path"], "/api/v3/wavespeed-ai/wan-2.2/t2v-480p");
  EXPECT_EQ(call["request_schema"]["type"], "object");
}

TEST(Schema, DescribesEveryEndpointForOpenApi) {
  const auto paths = catalog::openapi_paths();
  std::set<std::string> operations;
  for (const auto& endpoint : catalog::endpoints()) {
    const auto& post = paths.at(path_of(endpoint)).at("post");
    operations.insert(post["operationId"]);
    EXPECT_EQ(post["requestBody"]["required"], true);
    const auto& body = post["requestBody"]["content"]["application/json"]["schema"];
    EXPECT_EQ(body["additionalProperties"], false);
  }
  EXPECT_EQ(operations.size(), catalog::endpoints().size());
}

TEST(Schema, TellsOpenApiOfTheExtrasAsWell) {
  const auto paths = catalog::openapi_paths();
  const auto& jiekou =
      paths["/v3/async/wan-t2v"]["post"]["requestBody"]["content"]["application/json"]["schema"];
  EXPECT_EQ(jiekou["properties"]["frames"]["deprecated"], true);
  const auto& webhook = jiekou["properties"]["extra"]["properties"]["webhook"];
  EXPECT_EQ(webhook["properties"]["url"]["format"], "uri");
  EXPECT_EQ(webhook["properties"]["test_mode"]["properties"]["enabled"]["type"],
            Json::array({"boolean", "null"}));
}

TEST(Schema, TellsOpenApiWhatParsingTakes) {
  const auto paths = catalog::openapi_paths();
  const auto& body = paths["/api/v3/wavespeed-ai/wan-2.2/t2v-480p-lora"]["post"]["requestBody"]
                          ["content"]["application/json"]["schema"];
  const auto& properties = body["properties"];
  // Required: no null, and not only spaces.
  EXPECT_EQ(properties["prompt"]["type"], "string");
  EXPECT_EQ(properties["prompt"]["pattern"], "[^ \\t\\r\\n]");
  EXPECT_EQ(properties["seed"]["type"], Json::array({"integer", "null"}));
  EXPECT_TRUE(properties["size"]["enum"].back().is_null());
  const auto& lora = properties["loras"]["items"];
  EXPECT_EQ(lora["additionalProperties"], false);
  EXPECT_EQ(lora["properties"]["path"]["type"], "string");
  EXPECT_EQ(lora["properties"]["scale"]["type"], Json::array({"number", "null"}));
}

}  // namespace
