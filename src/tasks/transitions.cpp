// SPDX-License-Identifier: Apache-2.0
#include "tasks/transitions.h"

#include "base/text.h"
#include "crypto/random.h"
#include "tasks/queue_sql.h"
#include "tasks/task_rows.h"

namespace tasks {
namespace {

using base::Error;
using base::Fault;
using base::text;

std::optional<Held> hold(Connection& sql, const char* statement, Parameters parameters) {
  Held task;
  std::string state;
  int64_t cancel_requested = 0;
  bool is_found = false;
  const Connection::Target targets[] = {&task.number,
                                        &task.id,
                                        &task.tenant,
                                        &task.key_id,
                                        &task.endpoint,
                                        &task.price_mills,
                                        &task.webhook_url,
                                        &state,
                                        &task.attempt,
                                        &task.failures.all,
                                        &task.failures.crashes,
                                        &task.failures.out_of_memory,
                                        &cancel_requested,
                                        &task.lease_deadline,
                                        &task.sequence,
                                        &task.created_at};
  sql.each_row(statement, parameters, targets, [&] { is_found = true; });
  if (!is_found) return std::nullopt;
  task.state = state_named(state);
  task.cancel_requested = cancel_requested == 0 ? CancelRequested::no : CancelRequested::yes;
  return task;
}

void add_event(Connection& sql,
               Now now,
               const Held& task,
               std::string_view name,
               const std::string& data = "{}") {
  add_event(sql, now, task.number, task.sequence + 1, name, data);
}

// How a lane's counters change; `held` and `charged` in mills.
struct Move {
  int64_t queued = 0, running = 0, held = 0, charged = 0;
};

void move_lane(Connection& sql, const std::string& key_id, const Move& move) {
  sql.run(sql::kMoveLane,
          {{"queued", move.queued},
           {"running", move.running},
           {"held_mills", move.held},
           {"charged_mills", move.charged},
           {"key_id", key_id}});
}

// A row that is locked and does not change as it must is a fault of this program.
void check_changed(int64_t rows, const Held& task) {
  if (rows == 1) return;
  throw Error(
      Fault::internal, "internal error", text("task ", task.id, " did not change its state"));
}

Outcome ended(Now now, const Held& task, State state, const char* outcome) {
  return {
      .state = state,
      .ending = Ending{
          .endpoint = task.endpoint, .outcome = outcome, .took_ms = now.wall - task.created_at}};
}

void add_delivery(Connection& sql, Now now, const Held& task) {
  if (task.webhook_url.empty()) return;
  sql.run(sql::kInsertDelivery,
          {{"id", "msg_" + crypto::random_base62(24)},
           {"number", task.number},
           {"url", task.webhook_url},
           {"steady", now.steady}});
}

void add_outputs(Connection& sql, const Held& task, const std::vector<Output>& outputs) {
  int64_t position = 0;
  for (const auto& output : outputs) {
    sql.run(sql::kInsertOutput,
            {{"number", task.number},
             {"position", position++},
             {"name", output.name},
             {"media_type", output.media_type},
             {"bytes", output.bytes},
             {"sha256", output.sha256}});
  }
}

// created or processing → failed.
Outcome fail(
    Connection& sql, Now now, const Held& task, const Verdict& verdict, const std::string& detail) {
  check_changed(sql.run(sql::kFail,
                        {{"wall", now.wall},
                         {"code", verdict.code},
                         {"message", verdict.message},
                         {"detail", detail},
                         {"failures", verdict.failures.all},
                         {"crashes", verdict.failures.crashes},
                         {"out_of_memory", verdict.failures.out_of_memory},
                         {"sequence", task.sequence + 1},
                         {"number", task.number},
                         {"attempt", task.attempt},
                         {"state", std::string(name_of(task.state))}}),
                task);
  add_event(sql, now, task, name_of(State::failed));
  add_delivery(sql, now, task);
  const bool was_queued = task.state == State::created;
  move_lane(
      sql,
      task.key_id,
      {.queued = was_queued ? -1 : 0, .running = was_queued ? 0 : -1, .held = -task.price_mills});
  const auto is_cancelled = verdict.code == name_of(FailureClass::cancelled);
  return ended(now, task, State::failed, is_cancelled ? "cancelled" : "failed");
}

}  // namespace

void add_event(Connection& sql,
               Now now,
               int64_t number,
               int64_t sequence,
               std::string_view name,
               const std::string& data) {
  sql.run(sql::kAddEvent,
          {{"number", number},
           {"sequence", sequence},
           {"name", std::string(name)},
           {"data", data},
           {"wall", now.wall}});
}

std::optional<Held> find_by_lease(Connection& sql, const Lease& lease) {
  const Parameter parameters[] = {
      {"id", lease.task}, {"attempt", lease.attempt}, {"token", lease.token}};
  return hold(sql, sql::kHeldByLease, parameters);
}

Held hold_by_lease(Connection& sql, const Lease& lease) {
  auto task = find_by_lease(sql, lease);
  if (!task) throw Error(Fault::conflict, text("lease lost: task ", lease.task));
  return *std::move(task);
}

std::optional<Held> hold_by_tenant(Connection& sql,
                                   const std::string& tenant,
                                   const std::string& id) {
  const Parameter parameters[] = {{"tenant", tenant}, {"id", id}};
  return hold(sql, sql::kHeldByTenant, parameters);
}

std::optional<Claim> take(Connection& sql, Now now, const Lane& lane, const Claimant& claimant) {
  Claim claim{.lease = {.token = crypto::random_hex(16)}, .lease_ms = claimant.lease_ms};
  int64_t number = 0;
  int64_t sequence = 0;
  const Connection::Target targets[] = {&number,
                                        &claim.lease.task,
                                        &claim.lease.attempt,
                                        &sequence,
                                        &claim.request,
                                        &claim.out_of_memory};
  const Parameter parameters[] = {{"worker", claimant.worker},
                                  {"token", claim.lease.token},
                                  {"deadline", now.steady + claimant.lease_ms},
                                  {"wall", now.wall},
                                  {"steady", now.steady},
                                  {"key_id", lane.key_id},
                                  {"weights", lane.weights}};
  sql.each_row(sql::kTake, parameters, targets, [] {});
  if (number == 0) return std::nullopt;
  add_event(sql, now, number, sequence, name_of(State::processing));
  move_lane(sql, lane.key_id, {.queued = -1, .running = 1});
  sql.run(sql::kTakeTurn, {{"turn", claimant.turn}, {"tenant", lane.tenant}});
  claim.task = read_task(sql, number);
  return claim;
}

Outcome complete(Connection& sql, Now now, const Held& task, const Result& result) {
  check_changed(sql.run(sql::kComplete,
                        {{"wall", now.wall},
                         {"seed", result.seed},
                         {"warnings", result.warnings},
                         {"inference_ms", result.inference_ms},
                         {"sequence", task.sequence + 1},
                         {"number", task.number},
                         {"attempt", task.attempt}}),
                task);
  add_outputs(sql, task, result.outputs);
  add_event(sql, now, task, name_of(State::completed));
  add_delivery(sql, now, task);
  sql.run(sql::kCharge,
          {{"tenant", task.tenant},
           {"wall", now.wall},
           {"mills", -task.price_mills},
           {"id", task.id},
           {"key_id", task.key_id},
           {"endpoint", task.endpoint}});
  move_lane(
      sql, task.key_id, {.running = -1, .held = -task.price_mills, .charged = task.price_mills});
  sql.run(sql::kChangeBalance, {{"mills", -task.price_mills}, {"tenant", task.tenant}});
  return ended(now, task, State::completed, "completed");
}

Outcome requeue(
    Connection& sql, Now now, const Held& task, const Verdict& verdict, std::string_view reason) {
  check_changed(sql.run(sql::kRequeue,
                        {{"not_before", verdict.pause_ms == 0 ? 0 : now.steady + verdict.pause_ms},
                         {"failures", verdict.failures.all},
                         {"crashes", verdict.failures.crashes},
                         {"out_of_memory", verdict.failures.out_of_memory},
                         {"sequence", task.sequence + 1},
                         {"number", task.number},
                         {"attempt", task.attempt}}),
                task);
  add_event(sql, now, task, "requeued", text(R"({"reason":")", reason, R"("})"));
  sql.run(sql::kForgetEvents, {{"number", task.number}});
  move_lane(sql, task.key_id, {.queued = 1, .running = -1});
  return {.state = State::created};
}

Outcome settle(Connection& sql, Now now, const Held& task, const Failure& failure) {
  const auto verdict = judge(task.failures, failure, task.cancel_requested);
  if (verdict.is_retried) return requeue(sql, now, task, verdict, name_of(failure.kind));
  return fail(sql, now, task, verdict, failure.detail);
}

}  // namespace tasks
