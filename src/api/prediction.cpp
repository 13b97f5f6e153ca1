// SPDX-License-Identifier: Apache-2.0
#include "api/prediction.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/text.h"
#include "catalog/values.h"
#include "crypto/encoding.h"

namespace api {
namespace {

using base::Json;
using tasks::State;

constexpr size_t kMostInlineBytes = 256u << 20;

// Source: wire-apis A6, the vendor's table of codes of failed tasks.
int code_of(const std::string& error_code) {
  if (error_code == "content_refused") return 1200;
  if (error_code == "invalid_input") return 1401;
  if (error_code == "upstream") return 1402;
  if (error_code == "worker_lost" || error_code == "internal") return 5000;
  return 1405;
}

bool is_video(const tasks::Output& output) {
  return output.media_type.starts_with("video/");
}

Json outputs(const Context& context,
             const Links& links,
             const tasks::Task& task,
             const Json& input,
             Videos videos) {
  Json list = Json::array();
  if (task.state != State::completed) return list;
  const auto* wants_base64 = catalog::member(input, "enable_base64_output");
  const bool is_inline =
      videos == Videos::as_asked && wants_base64 != nullptr && wants_base64->get<bool>();
  for (const auto& output : task.outputs) {
    if (!is_video(output)) continue;
    if (!is_inline) {
      list.push_back(links.output(task, output));
      continue;
    }
    const auto file = context.objects.open_result(
        {.task = task.id, .attempt = static_cast<int>(task.attempt), .name = output.name});
    list.push_back(crypto::to_base64(base::read_file(file.path, kMostInlineBytes)));
  }
  return list;
}

// What both forms of the object share. Member by member: lists of members would be built and copied
// before they become objects, and this is what most requests ask for.
Json common(const Links& links, const tasks::Task& task, Json input, Json files) {
  Json object;
  object["id"] = task.id;
  object["model"] = task.endpoint;
  object["input"] = std::move(input);
  object["has_nsfw_contents"] = std::vector<bool>(files.size(), false);
  object["outputs"] = std::move(files);
  object["urls"]["get"] = links.task(task.id);
  object["status"] = tasks::name_of(task.state);
  object["created_at"] = base::iso8601(task.created_at);
  object["error"] = task.error_message;
  return object;
}

int64_t execution_ms(const tasks::Task& task) {
  return task.finished_at > 0 && task.started_at > 0 ? task.finished_at - task.started_at : 0;
}

}  // namespace

Json prediction(const Context& context,
                const Links& links,
                const tasks::Task& task,
                Videos videos) {
  auto input = Json::parse(task.input);
  auto files = outputs(context, links, task, input, videos);
  auto object = common(links, task, std::move(input), std::move(files));
  object["executionTime"] = execution_ms(task);
  object["timings"]["inference"] = task.inference_ms;
  object["progress"] = progress_of(context, task);
  object["warnings"] = task.warnings.empty() ? Json::array() : Json::parse(task.warnings);
  if (task.state == State::failed) object["code"] = code_of(task.error_code);
  if (task.state == State::completed) {
    object["seed"] = task.seed;
    const auto poster = std::ranges::find_if_not(task.outputs, is_video);
    if (poster != task.outputs.end()) object["poster"] = links.output(task, *poster);
  }
  return object;
}

Json webhook_prediction(const Context& context, const tasks::Task& task) {
  const Links links(context);
  auto input = Json::parse(task.input);
  auto files = outputs(context, links, task, input, Videos::as_asked);
  auto object = common(links, task, std::move(input), std::move(files));
  if (task.state != State::completed) object.erase("outputs");
  return object;
}

http::Response success(Json data) {
  Json answer;
  answer["code"] = 200;
  answer["message"] = "success";
  answer["data"] = std::move(data);
  return json_response(200, answer);
}

std::vector<std::string> output_urls(const Links& links, const tasks::Task& task) {
  std::vector<std::string> urls;
  for (const auto& output : task.outputs) {
    if (is_video(output)) urls.push_back(links.output(task, output));
  }
  return urls;
}

Json progress_of(const Context& context, const tasks::Task& task) {
  switch (task.state) {
    case State::created:
      return {{"phase", "queued"},
              {"percent", 0},
              {"queue_position", context.store.queue_position(task.tenant, task.id)}};
    case State::processing:
      if (!task.progress.empty()) return Json::parse(task.progress);
      return {{"phase", "starting"}, {"percent", 0}};
    case State::completed:
      return {{"phase", "completed"}, {"percent", 100}};
    case State::failed:
      return {{"phase", "failed"}, {"percent", 0}};
  }
  return Json::object();
}

}  // namespace api
