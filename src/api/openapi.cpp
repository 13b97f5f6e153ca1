// SPDX-License-Identifier: Apache-2.0
#include "api/openapi.h"

#include "api/limits.h"
#include "api/routes.h"
#include "base/text.h"
#include "catalog/field.h"
#include "catalog/schema.h"
#include "catalog/values.h"

namespace api {
namespace {

using base::Json;
using base::text;

bool is_submit(const Route& route) {
  return route.summary == "Submit";
}

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
  if (route.pattern.ends_with("/events")) {
    good["content"] = {{"text/event-stream", Json::object()}};
    all["204"] = {{"description", "The prediction has ended, and its last event was seen"}};
  }
  if (route.pattern == "/metrics") good["content"] = {{"text/plain", Json::object()}};
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
  return {{"required", route.takes != "PredictionFilter" && route.takes != "Bytes"},
          {"content", {{type, {{"schema", reference(route.takes)}}}}}};
}

Json matching(const char* pattern) {
  return {{"type", "string"}, {"pattern", pattern}};
}

// What the captures of paths and the names of tasks in queries may be.
Json id_schema(std::string_view name, std::string_view pattern) {
  if (name == "attempt") return {{"type", "integer"}, {"minimum", 1}, {"maximum", kMostAttempts}};
  if (name == "name") return matching(kFileName);
  return matching(pattern.starts_with("/uploads/") ? kUploadId : kTaskId);
}

Json path_parameter(const std::string& name, const Json& schema) {
  return {{"name", name}, {"in", "path"}, {"required", true}, {"schema", schema}};
}

Json parameter(const char* in,
               const char* name,
               bool is_required,
               const Json& schema,
               const char* description) {
  return {{"name", name},
          {"in", in},
          {"required", is_required},
          {"description", description},
          {"schema", schema}};
}

// What a route reads besides its path and body.
void add_parameters(Json& list, const Route& route) {
  if (route.pattern == "/v3/async/task-result") {
    list.push_back(
        parameter("query", "task_id", true, matching(kTaskId), "Of the submit's answer."));
  }
  if (route.pattern.ends_with("/events")) {
    list.push_back(parameter("header",
                             "Last-Event-ID",
                             false,
                             {{"type", "integer"}, {"minimum", 0}, {"maximum", INT64_MAX}},
                             "Of the last event that was seen."));
  }
  if (route.pattern.ends_with("/files/{name}")) {
    list.push_back(parameter("query",
                             "attempt",
                             true,
                             {{"type", "integer"}, {"minimum", 1}, {"maximum", kMostAttempts}},
                             "Of the lease."));
    list.push_back(parameter("query", "token", true, matching("^[0-9a-f]+$"), "Of the lease."));
    list.push_back(parameter(
        "header", "X-Content-SHA256", false, matching(kSha256), "Of the bytes, for a check."));
  }
  if (is_submit(route)) {
    list.push_back(parameter("header",
                             "Idempotency-Key",
                             false,
                             {{"type", "string"},
                              {"maxLength", kMostIdempotencyKey},
                              {"pattern", "^[!-~]([ -~]*[!-~])?$"}},
                             "With the same one the first task is answered again."));
  }
  if (is_submit(route) && route.dialect == Dialect::wavespeed) {
    list.push_back(parameter("query",
                             "webhook",
                             false,
                             {{"type", "string"},
                              {"maxLength", catalog::kMaxUrlCharacters},
                              {"pattern", text("^$|", catalog::kUrlPattern)}},
                             "Where to tell that the prediction has ended."));
  }
}

Json parameters_of(const Route& route) {
  Json list = Json::array();
  const auto pattern = route.pattern;
  for (auto begin = pattern.find('{'); begin != std::string_view::npos && !is_submit(route);
       begin = pattern.find('{', begin + 1)) {
    const auto end = pattern.find('}', begin);
    const std::string name(pattern.substr(begin + 1, end - begin - 1));
    list.push_back(path_parameter(name, id_schema(name, pattern)));
  }
  add_parameters(list, route);
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
  const auto parameters = parameters_of(route);
  if (!parameters.empty()) object["parameters"] = parameters;
  if (!route.takes.empty()) object["requestBody"] = body_of(route);
  return object;
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
    for (const auto& route : routes()) {
      if (!is_submit(route) ||
          !path.starts_with(route.pattern.substr(0, route.pattern.find('{')))) {
        continue;
      }
      auto post = methods.at("post");
      post["responses"] = answers(route);
      post["security"] = security_of(route.access);
      post["parameters"] = parameters_of(route);
      paths[path]["post"] = post;
    }
  }
}

}  // namespace

Json openapi_document(const Settings& settings, const std::string& server) {
  Json paths = Json::object();
  for (const auto& route : routes()) {
    if (is_submit(route) || route.access == Access::owner) continue;
    paths[std::string(route.pattern)][lower(route.method)] = operation(route);
  }
  add_endpoints(paths);
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Zoetrope"},
            {"version", settings.version},
            {"description",
             "Video generation by open models, in the wire formats of WaveSpeed v3 (/api/v3) and "
             "Jiekou / Novita v3 async (/v3/async)."},
            {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
          {"servers", Json::array({{{"url", server}}})},
          {"paths", paths},
          {"components",
           {{"securitySchemes",
             {{"key",
               {{"type", "http"},
                {"scheme", "bearer"},
                {"description", "A key of `zoetrope keys create`."}}}}},
            {"schemas", openapi_schemas(settings.upload_bytes)}}}};
}

}  // namespace api
