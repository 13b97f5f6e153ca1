// SPDX-License-Identifier: Apache-2.0
#include "catalog/schema.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "catalog/values.h"

namespace catalog {
namespace {

using base::Json;

// 5.0 as 5, which is how people and the vendor write it.
Json number(double value) {
  return std::trunc(value) == value ? Json(static_cast<int64_t>(value)) : Json(value);
}

Json schema(const Text& rule) {
  Json json = {{"type", "string"}, {"maxLength", rule.max_characters}};
  if (rule.min_characters > 0) json["minLength"] = rule.min_characters;
  return json;
}

Json schema(const Url&) {
  return {{"type", "string"}, {"format", "uri"}, {"maxLength", kMaxUrlCharacters}};
}

Json schema(const Choice& rule) {
  return {{"type", "string"},
          {"enum", std::vector<std::string>(rule.options.begin(), rule.options.end())},
          {"default", rule.options.front()}};
}

Json schema(const SizeName& rule) {
  auto names = Json::array();
  for (const auto size : rule.sizes) names.push_back(size_name(size));
  return {{"type", "string"}, {"enum", names}, {"default", names.front()}};
}

Json schema(const Side& rule) {
  auto sides = Json::array();
  for (const auto size : rule.sizes) sides.push_back(size.*rule.side);
  return {{"type", "integer"}, {"enum", sides}, {"default", sides.front()}};
}

Json schema(const Seconds& rule) {
  return {{"type", "integer"},
          {"enum", std::vector<int>(rule.lengths.begin(), rule.lengths.end())},
          {"default", rule.lengths.front()},
          {"x-ui-component", "select"}};
}

Json schema(const Whole& rule) {
  Json json = {{"type", "integer"}, {"minimum", rule.min}, {"maximum", rule.max}};
  if (rule.preset) json["default"] = *rule.preset;
  return json;
}

Json schema(const Real& rule) {
  Json json = {{"type", "number"}, {"minimum", number(rule.min)}, {"maximum", number(rule.max)}};
  if (rule.preset) json["default"] = number(*rule.preset);
  return json;
}

Json schema(const Flag& rule) {
  return {{"type", "boolean"}, {"default", rule.preset}};
}

Json schema(const Loras& rule) {
  const Json path = {{"type", "string"},
                     {"description", "A URL of the weights, or a repository on Hugging Face."},
                     {"minLength", 1},
                     {"maxLength", kMaxUrlCharacters}};
  const Json scale = {{"type", "number"},
                      {"description", "How strongly they act."},
                      {"default", 1},
                      {"minimum", 0},
                      {"maximum", number(kMaxLoraScale)}};
  const Json item = {{"type", "object"},
                     {"properties", {{"path", path}, {"scale", scale}}},
                     {"required", Json::array({"path"})},
                     {"x-order-properties", Json::array({"path", "scale"})}};
  return {{"type", "array"},
          {"items", item},
          {"maxItems", rule.max_items},
          {"x-ui-component", "loras"}};
}

Json schema(const Unused&) {
  return {{"deprecated", true}};
}

}  // namespace

Json field_schema(const Field& field) {
  auto json = std::visit([](const auto& rule) { return schema(rule); }, field.rule);
  json["description"] = field.help;
  if (const auto* unused = std::get_if<Unused>(&field.rule)) {
    json["description"] = base::text("Has no effect: ", unused->reason, ".");
  }
  return json;
}

namespace {

Json empty_object() {
  return {{"type", "object"},
          {"additionalProperties", false},
          {"properties", Json::object()},
          {"required", Json::array()},
          {"x-order-properties", Json::array()}};
}

// The property of the object, put at the end of its order where it is not there yet.
Json& property(Json& object, std::string_view name, bool required, const Json& schema_if_absent) {
  auto& properties = object["properties"];
  if (!properties.contains(name)) {
    properties[std::string(name)] = schema_if_absent;
    object["x-order-properties"].push_back(name);
    if (required) object["required"].push_back(name);
  }
  return properties[std::string(name)];
}

// `group` is what is left of the field's on the way down.
void add_field(Json& object, std::string_view group, const Field& field) {
  if (group.empty()) {
    property(object, field.name, field.required, field_schema(field));
    return;
  }
  const auto word = group.substr(0, group.find('.'));
  auto& inner = property(object, word, field.required, empty_object());
  add_field(inner, group.substr(std::min(group.size(), word.size() + 1)), field);
}

bool is_among(const Json& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What the vendor's form of the schema leaves unsaid, so that a body fits it where parse() takes
// it.
Json as_parsed(Json schema) {
  if (schema.value("minLength", 0) > 0) schema["pattern"] = "[^ \\t\\r\\n]";
  if (schema.value("format", "") == "uri") schema["pattern"] = kUrlPattern;
  if (schema.contains("items")) schema["items"] = as_parsed(schema["items"]);
  if (!schema.contains("properties")) return schema;
  schema["additionalProperties"] = false;
  const auto required = schema.value("required", Json::array());
  for (auto& [name, property] : schema["properties"].items()) {
    property = as_parsed(property);
    if (!is_among(required, name)) property = or_null(property);
  }
  return schema;
}

std::string operation_id(const Endpoint& endpoint) {
  auto id = base::text("submit_", name_of(endpoint.wire), "_", endpoint.id);
  std::ranges::replace_if(
      id, [](char c) { return c == '/' || c == '-' || c == '.'; }, '_');
  return id;
}

}  // namespace

Json request_schema(const Endpoint& endpoint) {
  auto json = empty_object();
  for (const auto& field : endpoint.fields) add_field(json, field.group, field);
  return json;
}

Json model_list(std::string_view server_url) {
  auto list = Json::array();
  for (const auto& endpoint : endpoints()) {
    if (endpoint.wire != Wire::wavespeed) continue;
    const Json call = {{"type", "model_run"},
                       {"method", "POST"},
                       {"server", server_url},
                       {"api_path", path_of(endpoint)},
                       {"request_schema", request_schema(endpoint)}};
    list.push_back({{"model_id", endpoint.id},
                    {"name", endpoint.id},
                    {"base_price", static_cast<double>(base_price_mills(endpoint)) / 1000},
                    {"description", summary_of(endpoint)},
                    {"type", type_of(endpoint)},
                    {"sort_order", 100},
                    {"api_schema", {{"api_schemas", Json::array({call})}}}});
  }
  return list;
}

Json or_null(Json schema) {
  if (schema.contains("enum")) schema["enum"].push_back(nullptr);
  if (schema.contains("anyOf")) schema["anyOf"].push_back({{"type", "null"}});
  if (schema.contains("type")) schema["type"] = Json::array({schema["type"], "null"});
  return schema;
}

Json openapi_paths() {
  auto paths = Json::object();
  for (const auto& endpoint : endpoints()) {
    auto body = request_schema(endpoint);
    for (const auto& extra : endpoint.extras) add_field(body, extra.group, extra);
    paths[path_of(endpoint)]["post"] = {
        {"operationId", operation_id(endpoint)},
        {"tags", Json::array({name_of(endpoint.wire)})},
        {"summary", summary_of(endpoint)},
        {"requestBody",
         {{"required", true}, {"content", {{"application/json", {{"schema", as_parsed(body)}}}}}}}};
  }
  return paths;
}

}  // namespace catalog
