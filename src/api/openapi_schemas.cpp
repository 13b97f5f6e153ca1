// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "api/limits.h"
#include "api/openapi.h"
#include "catalog/schema.h"

namespace api {
namespace {

using base::Json;

Json object(const Json& properties, const Json& required) {
  return {{"type", "object"}, {"properties", properties}, {"required", required}};
}

// A body that is taken: it has no other fields, and null stands for one that is left out.
Json taken(Json properties, const Json& required) {
  for (auto& [name, schema] : properties.items()) {
    const bool is_required = std::find(required.begin(), required.end(), name) != required.end();
    if (!is_required) schema = catalog::or_null(schema);
  }
  auto json = object(properties, required);
  json["additionalProperties"] = false;
  return json;
}

const Json kText = {{"type", "string"}};
const Json kWhole = {{"type", "integer"}};
const Json kNumber = {{"type", "number"}};
const Json kFlag = {{"type", "boolean"}};
const Json kTexts = {{"type", "array"}, {"items", kText}};
const Json kAny = {{"type", "object"}};
const Json kWord = {{"type", "string"}, {"minLength", 1}};
const Json kNothing = {{"const", ""}};
const Json kTime = {{"type", "string"}, {"format", "date-time"}};

Json whole(int64_t min, int64_t max) {
  return {{"type", "integer"}, {"minimum", min}, {"maximum", max}};
}

Json texts(size_t most) {
  return {{"type", "array"}, {"items", kText}, {"maxItems", most}};
}

Json one_of(const Json& forms) {
  return {{"type", "string"}, {"anyOf", forms}};
}

const Json kStates = {"created", "processing", "completed", "failed"};

Json ref(const char* name) {
  return {{"$ref", std::string("#/components/schemas/") + name}};
}

Json list_of(const Json& item) {
  return {{"type", "array"}, {"items", item}};
}

// {"code": 200, "message": "success", "data": …}
Json envelope(const Json& data) {
  return object({{"code", {{"const", 200}}}, {"message", kText}, {"data", data}},
                {"code", "message", "data"});
}

Json with_data(const Json& properties, const Json& required) {
  return envelope(object(properties, required));
}

Json progress() {
  return object({{"phase", kText},
                 {"step", kWhole},
                 {"steps", kWhole},
                 {"percent", kNumber},
                 {"eta_seconds", kNumber},
                 {"queue_position", kWhole}},
                {"phase", "percent"});
}

// As a worker tells it.
Json told_progress() {
  return taken({{"phase", kWord},
                {"step", whole(0, kMostSteps)},
                {"steps", whole(0, kMostSteps)},
                {"percent", {{"type", "number"}, {"minimum", 0}, {"maximum", 100}}},
                {"eta_seconds", {{"type", "number"}, {"minimum", 0}, {"maximum", kMostSeconds}}}},
               {"phase", "percent"});
}

Json prediction() {
  return object({{"id", kText},
                 {"model", kText},
                 {"input", kAny},
                 {"outputs", kTexts},
                 {"urls", object({{"get", kText}}, {"get"})},
                 {"has_nsfw_contents", list_of(kFlag)},
                 {"status", {{"type", "string"}, {"enum", kStates}}},
                 {"created_at", kTime},
                 {"error", kText},
                 {"executionTime", kWhole},
                 {"timings", object({{"inference", kWhole}}, {"inference"})},
                 {"code", kWhole},
                 {"progress", progress()},
                 {"warnings", kTexts},
                 {"seed", kWhole},
                 {"poster", kText}},
                {"id",
                 "model",
                 "input",
                 "outputs",
                 "urls",
                 "has_nsfw_contents",
                 "status",
                 "created_at",
                 "error",
                 "executionTime",
                 "timings",
                 "progress",
                 "warnings"});
}

void add_wavespeed(Json& all) {
  all["Problem"] = {{"type", "object"},
                    {"properties", {{"code", kWhole}, {"message", kText}, {"error", kText}}}};
  all["Prediction"] = prediction();
  all["PredictionAnswer"] = envelope(ref("Prediction"));
  all["PredictionListAnswer"] =
      with_data({{"page", kWhole}, {"total", kWhole}, {"items", list_of(ref("Prediction"))}},
                {"page", "total", "items"});
  const Json time = one_of({{{"format", "date-time"}}, {{"format", "date"}}, kNothing});
  all["PredictionFilter"] = taken({{"page", whole(1, kMostPages)},
                                   {"page_size", whole(1, kMostPageSize)},
                                   {"model", kText},
                                   {"status", one_of({{{"enum", kStates}}, kNothing})},
                                   {"created_after", time},
                                   {"created_before", time},
                                   {"include_inputs", kFlag}},
                                  Json::array());
  all["PredictionIds"] = taken({{"ids", texts(kMostDeleted)}}, {"ids"});
  all["DeletedAnswer"] = with_data({{"deleted_count", kWhole}}, {"deleted_count"});
  all["BalanceAnswer"] = with_data({{"balance", kNumber}}, {"balance"});
  all["UsageAnswer"] = with_data({{"period", kText},
                                  {"total_requests", kWhole},
                                  {"total_cost", kNumber},
                                  {"by_model", kAny},
                                  {"by_day", kAny}},
                                 {"period", "total_requests", "total_cost", "by_model", "by_day"});
  all["ModelListAnswer"] = envelope(list_of(kAny));
  all["PriceQuestion"] = taken({{"model_id", kWord}, {"inputs", kAny}}, {"model_id"});
  all["PricingAnswer"] =
      with_data({{"model_id", kText}, {"unit_price", kNumber}, {"currency", kText}},
                {"model_id", "unit_price", "currency"});
  all["PriceAnswer"] = with_data(
      {{"model_id", kText}, {"price", kNumber}, {"discounted_price", kNumber}, {"currency", kText}},
      {"model_id", "price", "discounted_price", "currency"});
  all["WebhookSecretAnswer"] = with_data({{"secret", kText}}, {"secret"});
}

void add_files(Json& all, uint64_t upload_bytes) {
  all["Bytes"] = {{"type", "string"}, {"format", "binary"}};
  all["UploadForm"] = object({{"file", ref("Bytes")}}, {"file"});
  const Json type = {{"type", "string"}, {"maxLength", kMostContentType}, {"pattern", "^[ -~]*$"}};
  all["TicketRequest"] = taken({{"filename", kWord},
                                {"size", whole(0, static_cast<int64_t>(upload_bytes))},
                                {"content_type", type}},
                               {"filename", "size"});
  all["TicketAnswer"] = with_data({{"download_url", kText},
                                   {"upload",
                                    object({{"method", kText}, {"url", kText}, {"headers", kAny}},
                                           {"method", "url", "headers"})}},
                                  {"download_url", "upload"});
  all["UploadAnswer"] =
      with_data({{"type", kText}, {"download_url", kText}, {"filename", kText}, {"size", kWhole}},
                {"type", "download_url", "filename", "size"});
  all["OlderUploadAnswer"] = with_data({{"url", kText}}, {"url"});
}

void add_jiekou(Json& all) {
  all["JiekouProblem"] =
      object({{"code", kWhole}, {"reason", kText}, {"message", kText}, {"metadata", kAny}},
             {"code", "reason", "message", "metadata"});
  all["TaskId"] = object({{"task_id", kText}}, {"task_id"});
  const auto task = object({{"task_id", kText},
                            {"task_type", kText},
                            {"status", kText},
                            {"reason", kText},
                            {"eta", kNumber},
                            {"progress_percent", kNumber}},
                           {"task_id", "task_type", "status", "reason", "eta", "progress_percent"});
  const auto video = object({{"video_url", kText}, {"video_url_ttl", kText}, {"video_type", kText}},
                            {"video_url", "video_url_ttl", "video_type"});
  all["TaskResult"] = object({{"task", task},
                              {"videos", list_of(video)},
                              {"images", list_of(kAny)},
                              {"audios", list_of(kAny)},
                              {"extra", kAny}},
                             {"task", "videos", "images", "audios", "extra"});
}

void add_workers(Json& all) {
  const Json lease = {{"attempt", whole(1, kMostAttempts)}, {"token", kWord}};
  const auto leased = [&](Json properties, Json required) {
    properties.update(lease);
    required.push_back("attempt");
    required.push_back("token");
    return taken(properties, required);
  };
  const Json weights = {
      {"type", "array"}, {"items", kWord}, {"minItems", 1}, {"maxItems", kMostWeights}};
  all["ClaimRequest"] =
      taken({{"worker", kWord}, {"weights", weights}, {"wait_ms", whole(0, kMostWaitMs)}},
            {"worker", "weights"});
  all["Claim"] = object({{"task", {{"type", {"object", "null"}}}}}, {"task"});
  all["HeartbeatRequest"] =
      leased({{"progress", told_progress()}, {"worker", kText}}, Json::array());
  all["Heartbeat"] = object({{"cancel", kFlag}, {"drain", kFlag}, {"lease_ms", kWhole}},
                            {"cancel", "drain", "lease_ms"});
  all["FileTaken"] = object({{"bytes", kWhole}, {"sha256", kText}}, {"bytes", "sha256"});
  const auto file = taken({{"name", {{"type", "string"}, {"pattern", kFileName}}},
                           {"media_type", {{"type", "string"}, {"pattern", "^[ -~]+$"}}},
                           {"bytes", whole(0, INT64_MAX)},
                           {"sha256", {{"type", "string"}, {"pattern", kSha256}}}},
                          {"name", "media_type", "bytes", "sha256"});
  const auto milliseconds = whole(0, INT64_MAX);
  const auto phases = taken({{"load", milliseconds},
                             {"text", milliseconds},
                             {"denoise", milliseconds},
                             {"decode", milliseconds}},
                            Json::array());
  all["FinishRequest"] = leased({{"files", {{"type", "array"}, {"items", file}, {"minItems", 1}}},
                                 {"seed", whole(INT64_MIN, INT64_MAX)},
                                 {"warnings", texts(kMostWarnings)},
                                 {"inference_ms", milliseconds},
                                 {"phases_ms", phases},
                                 {"steps", whole(0, kMostSteps)}},
                                {"files"});
  const Json classes = {{"type", "string"},
                        {"enum",
                         {"invalid_input",
                          "content_refused",
                          "gpu_oom",
                          "gpu_sticky",
                          "exhausted",
                          "upstream",
                          "internal",
                          "cancelled"}}};
  all["FailRequest"] =
      leased({{"class", classes}, {"message", kText}, {"detail", kText}}, {"class"});
  all["ReleaseRequest"] = leased(Json::object(), Json::array());
  all["TaskState"] = object({{"state", kText}}, {"state"});
}

}  // namespace

Json openapi_schemas(uint64_t upload_bytes) {
  Json all = Json::object();
  add_wavespeed(all);
  add_files(all, upload_bytes);
  add_jiekou(all);
  add_workers(all);
  all["Health"] = object({{"status", kText}, {"reason", kText}}, {"status"});
  all["Version"] = object({{"name", kText}, {"version", kText}}, {"name", "version"});
  all["Document"] = kAny;
  return all;
}

}  // namespace api
