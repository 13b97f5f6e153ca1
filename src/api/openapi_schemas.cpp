// SPDX-License-Identifier: Apache-2.0
#include "api/openapi.h"

namespace api {
namespace {

using base::Json;

Json object(const Json& properties, const Json& required) {
  return {{"type", "object"}, {"properties", properties}, {"required", required}};
}

const Json kText = {{"type", "string"}};
const Json kWhole = {{"type", "integer"}};
const Json kNumber = {{"type", "number"}};
const Json kFlag = {{"type", "boolean"}};
const Json kTexts = {{"type", "array"}, {"items", kText}};
const Json kAny = {{"type", "object"}};

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

Json prediction() {
  return object(
      {{"id", kText},
       {"model", kText},
       {"input", kAny},
       {"outputs", kTexts},
       {"urls", object({{"get", kText}}, {"get"})},
       {"has_nsfw_contents", list_of(kFlag)},
       {"status", {{"type", "string"}, {"enum", {"created", "processing", "completed", "failed"}}}},
       {"created_at", {{"type", "string"}, {"format", "date-time"}}},
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
  all["PredictionFilter"] = object({{"page", kWhole},
                                    {"page_size", kWhole},
                                    {"model", kText},
                                    {"status", kText},
                                    {"created_after", kText},
                                    {"created_before", kText},
                                    {"include_inputs", kFlag}},
                                   Json::array());
  all["PredictionIds"] = object({{"ids", kTexts}}, {"ids"});
  all["DeletedAnswer"] = with_data({{"deleted_count", kWhole}}, {"deleted_count"});
  all["BalanceAnswer"] = with_data({{"balance", kNumber}}, {"balance"});
  all["UsageAnswer"] = with_data({{"period", kText},
                                  {"total_requests", kWhole},
                                  {"total_cost", kNumber},
                                  {"by_model", kAny},
                                  {"by_day", kAny}},
                                 {"period", "total_requests", "total_cost", "by_model", "by_day"});
  all["ModelListAnswer"] = envelope(list_of(kAny));
  all["PriceQuestion"] = object({{"model_id", kText}, {"inputs", kAny}}, {"model_id"});
  all["PricingAnswer"] =
      with_data({{"model_id", kText}, {"unit_price", kNumber}, {"currency", kText}},
                {"model_id", "unit_price", "currency"});
  all["PriceAnswer"] = with_data(
      {{"model_id", kText}, {"price", kNumber}, {"discounted_price", kNumber}, {"currency", kText}},
      {"model_id", "price", "discounted_price", "currency"});
  all["WebhookSecretAnswer"] = with_data({{"secret", kText}}, {"secret"});
}

void add_files(Json& all) {
  all["Bytes"] = {{"type", "string"}, {"format", "binary"}};
  all["UploadForm"] = object({{"file", ref("Bytes")}}, {"file"});
  all["TicketRequest"] = object({{"filename", kText}, {"size", kWhole}, {"content_type", kText}},
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
  const Json lease = {{"attempt", kWhole}, {"token", kText}};
  const auto leased = [&](Json properties, Json required) {
    properties.update(lease);
    required.push_back("attempt");
    required.push_back("token");
    return object(properties, required);
  };
  all["ClaimRequest"] =
      object({{"worker", kText}, {"weights", kTexts}, {"wait_ms", kWhole}}, {"worker", "weights"});
  all["Claim"] = object({{"task", {{"type", {"object", "null"}}}}}, {"task"});
  all["HeartbeatRequest"] = leased({{"progress", kAny}, {"worker", kText}}, Json::array());
  all["Heartbeat"] = object({{"cancel", kFlag}, {"drain", kFlag}, {"lease_ms", kWhole}},
                            {"cancel", "drain", "lease_ms"});
  all["FileTaken"] = object({{"bytes", kWhole}, {"sha256", kText}}, {"bytes", "sha256"});
  all["FinishRequest"] = leased({{"files", list_of(kAny)},
                                 {"seed", kWhole},
                                 {"warnings", kTexts},
                                 {"inference_ms", kWhole},
                                 {"phases_ms", kAny},
                                 {"steps", kWhole}},
                                {"files"});
  all["FailRequest"] =
      leased({{"class", kText}, {"message", kText}, {"detail", kText}}, {"class", "message"});
  all["ReleaseRequest"] = leased(Json::object(), Json::array());
  all["TaskState"] = object({{"state", kText}}, {"state"});
}

}  // namespace

Json openapi_schemas() {
  Json all = Json::object();
  add_wavespeed(all);
  add_files(all);
  add_jiekou(all);
  add_workers(all);
  all["Health"] = object({{"status", kText}, {"reason", kText}}, {"status"});
  all["Version"] = object({{"name", kText}, {"version", kText}}, {"name", "version"});
  all["Document"] = kAny;
  return all;
}

}  // namespace api
