// SPDX-License-Identifier: Apache-2.0
#include "api/worker_protocol.h"

#include <algorithm>
#include <charconv>

#include <boost/asio/this_coro.hpp>

#include "api/body_fields.h"
#include "api/limits.h"
#include "api/problem.h"
#include "api/submit.h"
#include "base/error.h"
#include "base/text.h"
#include "catalog/values.h"
#include "logging/log.h"

namespace api::worker_protocol {
namespace {

using base::Error;
using base::Fault;
using base::Json;
using base::text;
using boost::asio::awaitable;
using std::chrono::milliseconds;

constexpr int64_t kHeartbeatMs = 1'000;  // progress is no older than this
constexpr milliseconds kLookAgain{1'000};
constexpr uint64_t kMostResultBytes = 4ull << 30;

constexpr auto* kQueue = "queue";

// The lease of a call: its path says which task, its body or query which attempt.
tasks::Lease lease_of(const Call& call, BodyFields& fields) {
  return {.task = call.request.captured.at("id"),
          .attempt = fields.whole("attempt", 0, 1, kMostAttempts),
          .token = fields.word("token")};
}

tasks::Lease lease_in_query(const http::Request& request) {
  const auto* attempt = http::find(request.query, "attempt");
  const auto* token = http::find(request.query, "token");
  tasks::Lease lease{.task = request.captured.at("id")};
  if (attempt == nullptr || token == nullptr || token->empty()) {
    throw Error(Fault::invalid, "attempt, token: are missing in the query");
  }
  const auto* end = attempt->data() + attempt->size();
  const auto read = std::from_chars(attempt->data(), end, lease.attempt);
  if (read.ec != std::errc() || read.ptr != end || lease.attempt < 1 ||
      lease.attempt > kMostAttempts) {
    throw Error(Fault::invalid,
                text("attempt: is not a whole number from 1 to ", kMostAttempts, " in the query"));
  }
  lease.token = *token;
  return lease;
}

Json claimed(const Context& context, const tasks::Claim& claim) {
  const auto stored = Json::parse(claim.request);
  const auto serving = context.settings.weights.find(claim.task.weights);
  return {{"id", claim.task.id},
          {"attempt", claim.lease.attempt},
          {"token", claim.lease.token},
          {"endpoint", claim.task.endpoint},
          {"kind", "text_to_video"},
          {"weights", claim.task.weights},
          {"model", serving == context.settings.weights.end() ? "" : serving->second.model},
          {"request", stored.at("request")},
          {"warnings", stored.at("warnings")},
          {"out_of_memory", claim.out_of_memory},
          {"lease_ms", claim.lease_ms},
          {"heartbeat_ms", kHeartbeatMs}};
}

// What callers are shown of a running task: docs/worker-protocol.md. As JSON; empty: nothing.
std::string read_progress(const Json* progress, BodyFields& fields) {
  if (progress == nullptr) return {};
  if (!progress->is_object()) {
    fields.complain("progress: is not an object");
    return {};
  }
  BodyFields items(*progress);
  if (items.word("phase").empty()) items.complain("phase: is missing");
  if (catalog::member(*progress, "percent") == nullptr) items.complain("percent: is missing");
  items.number("percent", 0, 100);
  items.whole("step", 0, 0, kMostSteps);
  items.whole("steps", 0, 0, kMostSteps);
  items.number("eta_seconds", 0, kMostSeconds);
  items.done();
  Json shown = Json::object();
  for (const auto& [name, value] : progress->items()) {
    if (!value.is_null()) shown[name] = value;
  }
  return shown.dump();
}

tasks::Output read_output(const Json& file) {
  BodyFields item(file);
  tasks::Output output{.name = item.word("name"),
                       .media_type = item.word("media_type"),
                       .bytes = item.whole("bytes", 0, 0, INT64_MAX),
                       .sha256 = item.word("sha256")};
  if (output.media_type.empty() || !is_printable(output.media_type)) {
    item.complain("media_type: is none");
  }
  if (output.sha256.size() != 64 ||
      output.sha256.find_first_not_of("0123456789abcdef") != std::string::npos) {
    item.complain("sha256: is not 64 hex digits");
  }
  item.done();
  return output;
}

std::vector<tasks::Output> read_files(const Json* files, BodyFields& fields) {
  std::vector<tasks::Output> outputs;
  if (files == nullptr || !files->is_array() || files->empty()) {
    fields.complain("files: is not a list with at least one file");
    return outputs;
  }
  for (const auto& file : *files) {
    if (!file.is_object()) {
      fields.complain("files: has an item that is no object");
      continue;
    }
    auto output = read_output(file);
    if (std::ranges::count(outputs, output.name, &tasks::Output::name) > 0) {
      fields.complain(text("files: has ", output.name, " twice"));
    }
    outputs.push_back(std::move(output));
  }
  return outputs;
}

// A task is completed only when its files are there, whole (reliability I5).
void check_files(const Context& context,
                 const tasks::Lease& lease,
                 const std::vector<tasks::Output>& outputs) {
  for (const auto& output : outputs) {
    const auto file = context.objects.open_result(
        {.task = lease.task, .attempt = static_cast<int>(lease.attempt), .name = output.name});
    if (file.bytes != static_cast<uint64_t>(output.bytes)) {
      throw Error(
          Fault::invalid,
          text("files: ", output.name, " has ", file.bytes, " bytes, finish says ", output.bytes));
    }
  }
}

tasks::FailureClass class_named(const std::string& name, BodyFields& fields) {
  using enum tasks::FailureClass;
  constexpr std::pair<std::string_view, tasks::FailureClass> kClasses[] = {
      {"invalid_input", invalid_input},
      {"content_refused", content_refused},
      {"gpu_oom", gpu_oom},
      {"gpu_sticky", gpu_sticky},
      {"exhausted", exhausted},
      {"upstream", upstream},
      {"internal", internal},
      {"cancelled", cancelled}};
  const auto* found = std::ranges::find(kClasses, name, [](const auto& row) { return row.first; });
  if (found != std::end(kClasses)) return found->second;
  fields.complain(text("class: \"", name, "\" is none of the protocol's"));
  return internal;
}

// Milliseconds by phase. The names are ours: each becomes a series of metrics.
Work read_work(BodyFields& fields) {
  constexpr const char* kPhases[] = {"load", "text", "denoise", "decode"};
  Work work{.steps = fields.whole("steps", 0, 0, kMostSteps)};
  const auto* times = fields.take("phases_ms");
  if (times == nullptr) return work;
  if (!times->is_object()) {
    fields.complain("phases_ms: is not an object of phases and milliseconds");
    return work;
  }
  BodyFields phases(*times);
  for (const auto* phase : kPhases) {
    if (times->contains(phase)) work.phases[phase] = phases.whole(phase, 0, 0, INT64_MAX);
  }
  phases.done();
  return work;
}

http::Response state_response(tasks::State state) {
  return json_response(200, {{"state", tasks::name_of(state)}});
}

}  // namespace

awaitable<http::Response> claim(Context& context, Call call) {
  const auto body = json_body(call);
  BodyFields fields(body);
  const auto worker = fields.word("worker");
  const auto weights = fields.words("weights", kMostWeights);
  const auto wait = fields.whole("wait_ms", 0, 0, kMostWaitMs);
  if (worker.empty()) fields.complain("worker: is missing");
  fields.done();

  context.workers.claims(worker, weights, context.clock.steady());
  Waiter waiter(context.waiters, kQueue, co_await boost::asio::this_coro::executor);
  const auto deadline = context.clock.steady() + wait;
  while (!context.is_draining) {
    if (const auto claim = context.store.claim(worker, weights)) {
      context.workers.works_on(worker, claim->task.id, context.clock.steady());
      if (claim->lease.attempt == 1) {
        context.metrics.started(claim->task.endpoint,
                                claim->task.started_at - claim->task.created_at);
      }
      logging::info("task started",
                    {{"task", claim->task.id},
                     {"attempt", claim->lease.attempt},
                     {"model", claim->task.endpoint},
                     {"worker", worker}});
      co_return json_response(200, {{"task", claimed(context, *claim)}});
    }
    const auto left = milliseconds(deadline - context.clock.steady());
    if (left.count() <= 0) break;
    co_await waiter.wait(std::min(left, kLookAgain));
  }
  co_return json_response(200, {{"task", nullptr}});
}

http::Response heartbeat(Context& context, const Call& call) {
  const auto body = json_body(call);
  BodyFields fields(body);
  const auto lease = lease_of(call, fields);
  const auto progress = read_progress(fields.take("progress"), fields);
  const auto worker = fields.word("worker");
  fields.done();
  const auto answer = context.store.heartbeat(lease, progress);
  if (!worker.empty()) context.workers.works_on(worker, lease.task, context.clock.steady());
  return json_response(200,
                       {{"cancel", answer.cancel_requested},
                        {"drain", context.is_draining.load()},
                        {"lease_ms", answer.lease_ms}});
}

http::Reception receive_file(Context& context, http::Request& head) {
  // Whose attempt is over need not send gigabytes to hear it.
  context.store.heartbeat(lease_in_query(head), {});
  return {.kind = http::Reception::file,
          .max_bytes = kMostResultBytes,
          .folder = context.objects.incoming()};
}

http::Response put_file(Context& context, const Call& call) {
  const auto& request = call.request;
  const auto lease = lease_in_query(request);
  const auto* digest = http::find(request.headers, "x-content-sha256");
  if (digest != nullptr && *digest != request.body_sha256) {
    throw Error(Fault::invalid, "X-Content-SHA256: is not the digest of what came");
  }
  context.store.heartbeat(lease, {});
  context.objects.publish_result(
      {.file = request.body_file,
       .content = {.bytes = request.body_bytes, .sha256 = request.body_sha256}},
      {.task = lease.task,
       .attempt = static_cast<int>(lease.attempt),
       .name = request.captured.at("name")});
  return json_response(200, {{"bytes", request.body_bytes}, {"sha256", request.body_sha256}});
}

http::Response finish(Context& context, const Call& call) {
  const auto body = json_body(call);
  BodyFields fields(body);
  const auto lease = lease_of(call, fields);
  tasks::Result result;
  result.outputs = read_files(fields.take("files"), fields);
  result.seed = fields.whole("seed", 0, INT64_MIN, INT64_MAX);
  if (fields.take("warnings") != nullptr) {
    result.warnings = Json(fields.words("warnings", kMostWarnings)).dump();
  }
  result.inference_ms = fields.whole("inference_ms", 0, 0, INT64_MAX);
  const auto work = read_work(fields);
  fields.done();
  check_files(context, lease, result.outputs);
  const auto state = context.store.finish(lease, result);
  context.metrics.worked(work);
  logging::info("task finished",
                {{"task", lease.task},
                 {"state", tasks::name_of(state)},
                 {"seconds", static_cast<double>(result.inference_ms) / 1000}});
  return state_response(state);
}

http::Response fail(Context& context, const Call& call) {
  const auto body = json_body(call);
  BodyFields fields(body);
  const auto lease = lease_of(call, fields);
  tasks::Failure failure;
  failure.kind = class_named(fields.word("class"), fields);
  failure.message = fields.word("message");
  failure.detail = fields.word("detail");
  fields.done();
  const auto state = context.store.fail(lease, failure);
  logging::warning("attempt failed",
                   {{"task", lease.task},
                    {"attempt", lease.attempt},
                    {"state", tasks::name_of(state)},
                    {"error", failure.message},
                    {"detail", failure.detail}});
  return state_response(state);
}

http::Response release(Context& context, const Call& call) {
  const auto body = json_body(call);
  BodyFields fields(body);
  const auto lease = lease_of(call, fields);
  fields.done();
  const auto state = context.store.release(lease);
  logging::info("task given back", {{"task", lease.task}, {"attempt", lease.attempt}});
  return state_response(state);
}

}  // namespace api::worker_protocol
