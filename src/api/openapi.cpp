// SPDX-License-Identifier: Apache-2.0
#include "api/openapi.h"

#include "api/routes.h"
#include "base/text.h"
#include "catalog/schema.h"

namespace api {
namespace {

using base::Json;
using base::text;

Json reference(std::string_view schema) {
  return {{"$ref", text("#/components/schemas/", schema)}};
}

Json json_content(const Json& schema) {
  return {{"application/json", {{"schema", schema}}}};
}

std::string_view problem_schema(Dialect dialect) {
  return dialect == Dialect::jiekou ? "JiekouProblem" : "Problem";
}

Json problem_answer(Dialect dialect, const std::string& description) {
  return {{"description", description},
          {"content", json_content(reference(problem_schema(dialect)))}};
}

// What any route may answer besides what it gives.
Json answers(const Route& route) {
  Json all = {{"default", problem_answer(route.dialect, "What went wrong")}};
  Json good = {{"description", "Success"}};
  if (!route.gives.empty()) good["content"] = json_content(reference(route.gives));
  all["200"] = good;
  if (route.pattern == "/readyz" || route.pattern == "/healthz") {
    all["503"] = {{"description", "Nobody would work on a task that came now"},
                  {"content", json_content(reference("Health"))}};
  }
  return all;
}

Json body_of(const Route& route) {
  const auto* type = route.takes == "UploadForm" ? "multipart/form-data"
                     : route.takes == "Bytes"    ? "application/octet-stream"
                                                 : "application/json";
  return {{"required", route.takes != "PredictionFilter"},
          {"content", {{type, {{"schema", reference(route.takes)}}}}}};
}

Json path_parameter(const std::string& name) {
  return {{"name", name}, {"in", "path"}, {"required", true}, {"schema", {{"type", "string"}}}};
}

Json query_parameter(const std::string& name, bool is_required, const std::string& description) {
  return {{"name", name},
          {"in", "query"},
          {"required", is_required},
          {"description", description},
          {"schema", {{"type", "string"}}}};
}

Json parameters_of(std::string_view pattern) {
  Json list = Json::array();
  for (auto begin = pattern.find('{'); begin != std::string_view::npos;
       begin = pattern.find('{', begin + 1)) {
    const auto end = pattern.find('}', begin);
    list.push_back(path_parameter(std::string(pattern.substr(begin + 1, end - begin - 1))));
  }
  if (pattern == "/v3/async/task-result") {
    list.push_back(query_parameter("task_id", true, "Of the submit's answer."));
  }
  return list;
}

Json security_of(Access access) {
  if (access == Access::open || access == Access::link) return Json::array();
  return Json::array({{{"key", Json::array()}}});
}

Json operation(const Route& route) {
  Json object = {{"summary", route.summary},
                 {"responses", answers(route)},
                 {"security", security_of(route.access)}};
  const auto parameters = parameters_of(route.pattern);
  if (!parameters.empty()) object["parameters"] = parameters;
  if (!route.takes.empty()) object["requestBody"] = body_of(route);
  return object;
}

bool is_submit(const Route& route) {
  return route.summary == "Submit";
}

std::string lower(std::string_view method) {
  std::string word(method);
  for (auto& letter : word) letter = static_cast<char>(std::tolower(letter));
  return word;
}

// The submit routes, one for each endpoint of the catalog.
void add_endpoints(Json& paths) {
  const auto endpoints = catalog::openapi_paths();
  for (const auto& [path, methods] : endpoints.items()) {
    const bool is_jiekou = path.starts_with("/v3/");
    for (const auto& route : routes()) {
      if (!is_submit(route) ||
          !path.starts_with(route.pattern.substr(0, route.pattern.find('{')))) {
        continue;
      }
      auto post = methods.at("post");
      post["responses"] = answers(route);
      post["security"] = security_of(route.access);
      if (!is_jiekou) {
        post["parameters"] = Json::array(
            {query_parameter("webhook", false, "Where to tell that the prediction has ended.")});
      }
      paths[path]["post"] = post;
    }
  }
}

}  // namespace

Json openapi_document(const std::string& public_url, const std::string& version) {
  Json paths = Json::object();
  for (const auto& route : routes()) {
    if (is_submit(route) || route.access == Access::owner) continue;
    paths[std::string(route.pattern)][lower(route.method)] = operation(route);
  }
  add_endpoints(paths);
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Zoetrope"},
            {"version", version},
            {"description",
             "Video generation by open models, in the wire formats of WaveSpeed v3 (/api/v3) and "
             "Jiekou / Novita v3 async (/v3/async)."},
            {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
          {"servers", Json::array({{{"url", public_url}}})},
          {"paths", paths},
          {"components",
           {{"securitySchemes",
             {{"key",
               {{"type", "http"},
                {"scheme", "bearer"},
                {"description", "A key of `zoetrope keys create`."}}}}},
            {"schemas", openapi_schemas()}}}};
}

}  // namespace api
