// SPDX-License-Identifier: Apache-2.0
#include "api/wavespeed.h"

#include <algorithm>
#include <charconv>

#include "api/body_fields.h"
#include "api/follow.h"
#include "api/limits.h"
#include "api/prediction.h"
#include "api/submit.h"
#include "base/error.h"
#include "base/text.h"
#include "catalog/parse.h"

namespace api::wavespeed {
namespace {

using base::Error;
using base::Fault;
using base::Json;
using base::text;
using std::chrono::milliseconds;

// Source: wire-apis A2, A3.
constexpr int kSyncTimedOut = 5004;

std::string query(const http::Request& request, std::string_view name) {
  const auto* value = http::find(request.query, name);
  return value == nullptr ? std::string() : *value;
}

tasks::Task find_task(Context& context, const Call& call, const std::string& id) {
  auto task = context.store.find(call.caller.tenant, id);
  if (!task) throw Error(Fault::not_found, text("prediction: there is no \"", id, "\""));
  return *std::move(task);
}

http::Response timed_out(const Context& context, const Links& links, const tasks::Task& task) {
  auto object = prediction(context, links, task);
  object["status"] = "processing";
  object["code"] = kSyncTimedOut;
  object["error"] = text("Sync mode timed out after ",
                         context.settings.sync_patience.count(),
                         " s; the prediction goes on, poll urls.get");
  return success(object);
}

struct ListRequest {
  tasks::Filter filter;
  bool with_inputs = false;
};

ListRequest read_list(const Json& body) {
  BodyFields fields(body);
  ListRequest request;
  auto& filter = request.filter;
  filter.page = fields.whole("page", 1, 1, kMostPages);
  filter.page_size = fields.whole("page_size", kMostPageSize, 1, kMostPageSize);
  filter.endpoint = fields.word("model");
  filter.state = fields.word("status");
  filter.created_after = fields.time("created_after");
  filter.created_before = fields.time("created_before");
  request.with_inputs = fields.flag("include_inputs");
  if (!filter.state.empty()) {
    try {
      tasks::state_named(filter.state);
    } catch (const Error& error) {
      fields.complain(text("status: ", error.what()));
    }
  }
  fields.done();
  return request;
}

}  // namespace

const catalog::Endpoint& endpoint_named(const std::string& id) {
  const auto* endpoint = catalog::find(catalog::Wire::wavespeed, id);
  if (endpoint == nullptr) {
    throw Error(Fault::not_found,
                text("model: there is no \"", id, "\"; GET /api/v3/models lists those there are"));
  }
  return *endpoint;
}

awaitable<http::Response> submit(Context& context, Call call) {
  const auto& endpoint = endpoint_named(call.request.captured.at("model"));
  const auto body = json_body(call);
  auto parsed = catalog::parse(endpoint, body);
  auto webhook = query(call.request, "webhook");
  if (webhook.empty()) webhook = parsed.request.webhook_url;
  if (!webhook.empty() && parsed.request.base64_output) {
    // The vendor answers this one mistake in a shape of its own, wire-apis A4.
    co_return json_response(
        400, {{"error", "webhook: does not support enable_base64_output; ask for one of them"}});
  }
  check_webhook(webhook);
  const bool is_sync = parsed.request.sync_mode;
  auto submitted = api::submit(context,
                               call,
                               {.endpoint = endpoint,
                                .body = body,
                                .request = std::move(parsed.request),
                                .warnings = std::move(parsed.warnings),
                                .webhook_url = webhook});
  auto task = std::move(submitted.task);
  if (is_sync) {
    task =
        co_await await_end(context, call.request, std::move(task), context.settings.sync_patience);
  }
  const bool is_late = is_sync && !tasks::is_final(task.state);
  const Links links(context, call.request);
  auto response =
      is_late ? timed_out(context, links, task) : success(prediction(context, links, task));
  response.undelivered = [&context, tenant = task.tenant, id = task.id] {
    context.store.reply_lost(tenant, id);
  };
  co_return response;
}

http::Response result(Context& context, const Call& call) {
  const auto task = find_task(context, call, call.request.captured.at("id"));
  return success(prediction(context, Links(context, call.request), task));
}

awaitable<http::Response> events(Context& context, Call call) {
  const auto task = find_task(context, call, call.request.captured.at("id"));
  co_return follow(context, call, task, co_await boost::asio::this_coro::executor);
}

http::Response list(Context& context, const Call& call) {
  const auto request = read_list(call.request.body.empty() ? Json::object() : json_body(call));
  const auto page = context.store.list(call.caller.tenant, request.filter);
  const Links links(context, call.request);
  Json items = Json::array();
  for (const auto& task : page.tasks) {
    // A hundred videos at once would be more than the memory holds.
    auto item = prediction(context, links, task, Videos::as_addresses);
    if (request.with_inputs) item["inputs"] = item["input"];
    items.push_back(std::move(item));
  }
  return success({{"page", request.filter.page}, {"total", page.total}, {"items", items}});
}

http::Response remove(Context& context, const Call& call) {
  const auto body = json_body(call);
  BodyFields fields(body);
  const auto* ids = fields.take("ids");
  if (ids == nullptr || !ids->is_array() || ids->size() > kMostDeleted ||
      !std::ranges::all_of(*ids, &Json::is_string)) {
    fields.complain(text("ids: is not a list of at most ", kMostDeleted, " texts"));
  }
  fields.done();
  const auto deleted =
      context.store.remove(call.caller.tenant, ids->get<std::vector<std::string>>());
  return success({{"deleted_count", deleted}});
}

http::Response cancel(Context& context, const Call& call) {
  const auto& id = call.request.captured.at("id");
  find_task(context, call, id);
  context.store.cancel(call.caller.tenant, id);
  const auto task = find_task(context, call, id);
  return success(prediction(context, Links(context, call.request), task));
}

http::Response replay_webhook(Context& context, const Call& call) {
  const auto task = find_task(context, call, call.request.captured.at("id"));
  context.store.replay_delivery(task.tenant, task.id);
  return success(prediction(context, Links(context, call.request), task));
}

}  // namespace api::wavespeed
