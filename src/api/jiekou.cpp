// SPDX-License-Identifier: Apache-2.0
#include "api/jiekou.h"

#include "api/prediction.h"
#include "api/submit.h"
#include "api/webhooks.h"
#include "base/error.h"
#include "base/text.h"
#include "catalog/parse.h"
#include "crypto/random.h"

namespace api::jiekou {
namespace {

using base::Error;
using base::Fault;
using base::Json;
using base::text;
using tasks::State;

constexpr auto* kTaskType = "WAN_TXT_TO_VIDEO";

std::string_view status_of(State state) {
  switch (state) {
    case State::created:
      return "TASK_STATUS_QUEUED";
    case State::processing:
      return "TASK_STATUS_PROCESSING";
    case State::completed:
      return "TASK_STATUS_SUCCEED";
    case State::failed:
      return "TASK_STATUS_FAILED";
  }
  return "TASK_STATUS_UNKNOWN";
}

Json refusals(const std::vector<catalog::Complaint>& complaints) {
  Json details = Json::array();
  for (const auto& complaint : complaints) {
    details.push_back({{"field", complaint.field}, {"message", complaint.message}});
  }
  return {{"details", details}};
}

Json videos(const Context& context, const Links& links, const tasks::Task& task) {
  Json list = Json::array();
  for (const auto& url : output_urls(links, task)) {
    list.push_back({{"video_url", url},
                    {"video_url_ttl", std::to_string(context.settings.result_life.count())},
                    {"video_type", "mp4"}});
  }
  return list;
}

Json result_of(const Json& task, const Json& found_videos, const Json& extra) {
  return {{"task", task},
          {"videos", found_videos},
          {"images", Json::array()},
          {"audios", Json::array()},
          {"extra", extra}};
}

// A made-up outcome of the status that was asked for: what a receiver of webhooks is tested with.
Json rehearsal(const std::string& id, const std::string& status) {
  const bool has_video = status == "TASK_STATUS_SUCCEED";
  Json list = Json::array();
  if (has_video) {
    list.push_back({{"video_url", "https://example.com/test.mp4"},
                    {"video_url_ttl", "3600"},
                    {"video_type", "mp4"}});
  }
  const Json task = {{"task_id", id},
                     {"task_type", kTaskType},
                     {"status", status},
                     {"reason", status == "TASK_STATUS_FAILED" ? "a test of the webhook" : ""},
                     {"eta", 0},
                     {"progress_percent", has_video ? 100 : 0}};
  return result_of(task, list, {{"seed", ""}, {"enable_nsfw_detection", false}});
}

}  // namespace

http::Response submit(Context& context, const Call& call) {
  const auto& id = call.request.captured.at("model");
  const auto* endpoint = catalog::find(catalog::Wire::jiekou, id);
  if (endpoint == nullptr) {
    return problem(
        Dialect::jiekou, 404, "MODEL_NOT_FOUND", text("model: there is no \"", id, "\""));
  }
  const auto body = json_body(call);
  auto parsed = catalog::check(*endpoint, body);
  if (!parsed.complaints.empty()) {
    return problem(Dialect::jiekou,
                   400,
                   "INVALID_REQUEST_BODY",
                   catalog::message_of(parsed.complaints),
                   refusals(parsed.complaints));
  }
  const auto webhook = parsed.request.webhook_url;
  check_webhook(webhook);
  if (parsed.request.webhook_test) {
    const auto task = crypto::random_hex(16);
    context.webhooks.send_once(
        webhook, webhook_event(rehearsal(task, parsed.request.webhook_test_status)).dump());
    return json_response(200, {{"task_id", task}});
  }
  const auto submitted = api::submit(context,
                                     call,
                                     {.endpoint = *endpoint,
                                      .body = body,
                                      .request = std::move(parsed.request),
                                      .warnings = std::move(parsed.warnings),
                                      .webhook_url = webhook});
  auto response = json_response(200, {{"task_id", submitted.task.id}});
  response.undelivered = [&context, tenant = call.caller.tenant, id = submitted.task.id] {
    context.store.reply_lost(tenant, id);
  };
  return response;
}

http::Response result(Context& context, const Call& call) {
  const auto* id = http::find(call.request.query, "task_id");
  if (id == nullptr) throw Error(Fault::invalid, "task_id: is missing in the query");
  const auto task = context.store.find(call.caller.tenant, *id);
  if (!task) throw Error(Fault::not_found, text("task_id: there is no \"", *id, "\""));
  return json_response(200, task_result(context, Links(context, call.request), *task));
}

Json task_result(const Context& context, const Links& links, const tasks::Task& task) {
  const auto progress = progress_of(context, task);
  const Json about = {{"task_id", task.id},
                      {"task_type", kTaskType},
                      {"status", status_of(task.state)},
                      {"reason", task.error_message},
                      {"eta", progress.value("eta_seconds", 0)},
                      {"progress_percent", progress.value("percent", 0)}};
  Json extra = {{"seed", task.state == State::completed ? std::to_string(task.seed) : ""},
                // No safety model is there yet: nothing was looked at.
                {"enable_nsfw_detection", false},
                {"debug_info",
                 {{"request_info", ""},
                  {"submit_time_ms", std::to_string(task.created_at)},
                  {"execute_time_ms", std::to_string(task.started_at)},
                  {"complete_time_ms", std::to_string(task.finished_at)}}}};
  const auto warnings = task.warnings.empty() ? Json::array() : Json::parse(task.warnings);
  if (!warnings.empty()) extra["warnings"] = warnings;
  return result_of(about, videos(context, links, task), extra);
}

Json webhook_event(const Json& payload) {
  return {{"event_type", "ASYNC_TASK_RESULT"}, {"payload", payload}};
}

}  // namespace api::jiekou
