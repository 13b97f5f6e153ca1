// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "base/text.h"
#include "crypto/random.h"
#include "tasks/database.h"
#include "tasks/queue_sql.h"
#include "tasks/store.h"
#include "tasks/task_rows.h"
#include "tasks/tenants.h"
#include "tasks/transitions.h"

namespace tasks {
namespace {

using base::Error;
using base::Fault;
using base::text;

// The moment and 80 random bits, in hex. Ids of the same time are neighbours in every index, so
// that submits that share a commit share the pages that it writes; random ones lie all over the
// file.
std::string new_id(Now now) {
  char moment[17];
  std::snprintf(moment, sizeof moment, "%012llx", static_cast<unsigned long long>(now.wall));
  return moment + crypto::random_hex(10);
}

Task task_with_id(Connection& sql, const std::string& id) {
  const Parameter parameters[] = {{"id", id}};
  auto found = read_tasks(sql, "WHERE id = :id", parameters);
  if (found.empty()) {
    throw Error(Fault::not_found, "the task of this Idempotency-Key has been deleted");
  }
  return std::move(found[0]);
}

// The id of the task that the idempotency key stands for, which is `id` where the key is new.
std::string id_of_idempotency_key(Connection& sql,
                                  Now now,
                                  const NewTask& task,
                                  const std::string& id) {
  const bool is_new = sql.run(sql::kTakeIdempotencyKey,
                              {{"tenant", task.tenant},
                               {"word", task.idempotency_key},
                               {"body_hash", task.body_hash},
                               {"id", id},
                               {"wall", now.wall},
                               {"forgotten_before", now.wall - kIdempotencyMs}}) == 1;
  if (is_new) return id;
  const auto [body_hash, earlier] =
      sql.rows<std::string, std::string>(sql::kIdempotencyKey,
                                         {{"tenant", task.tenant}, {"word", task.idempotency_key}})
          .at(0);
  if (body_hash != task.body_hash) {
    throw Error(Fault::conflict, "this Idempotency-Key was used before with another request");
  }
  return earlier;
}

// The task whose reply was lost and whose submit this one repeats.
std::optional<std::string> attach(Connection& sql, const NewTask& task, int64_t since) {
  const auto ids = sql.rows<std::string>(sql::kAttach,
                                         {{"key_id", task.key_id},
                                          {"body_hash", task.body_hash},
                                          {"since", since},
                                          {"tenant", task.tenant},
                                          {"endpoint", task.endpoint}});
  if (ids.empty()) return std::nullopt;
  return std::get<0>(ids[0]);
}

int64_t insert(Connection& sql, Now now, const NewTask& task, const std::string& id) {
  const auto [number] = sql.rows<int64_t>(sql::kInsertTask,
                                          {{"id", id},
                                           {"tenant", task.tenant},
                                           {"key_id", task.key_id},
                                           {"endpoint", task.endpoint},
                                           {"wire", task.wire},
                                           {"weights", task.weights},
                                           {"input", task.input},
                                           {"request", task.request},
                                           {"price_mills", task.price_mills},
                                           {"priority", task.priority},
                                           {"webhook_url", task.webhook_url},
                                           {"body_hash", task.body_hash},
                                           {"wall", now.wall}})
                            .at(0);
  add_event(sql, now, number, 1, name_of(State::created));
  return number;
}

bool try_lane(Connection& sql, const NewTask& task, const Limits& limits) {
  return sql.run(sql::kEnterLane,
                 {{"price_mills", task.price_mills},
                  {"max_running", limits.running},
                  {"key_id", task.key_id},
                  {"max_queued", limits.queued},
                  {"spent_before", limits.spending_cap_mills - task.price_mills}}) == 1;
}

[[noreturn]] void refuse(Connection& sql, const NewTask& task, const Limits& limits) {
  const auto [queued, spent] =
      sql.rows<int64_t, int64_t>(sql::kLane, {{"key_id", task.key_id}}).at(0);
  if (queued >= limits.queued) {
    throw LimitReached(LimitReached::Limit::queued,
                       text("this key has ", queued, " tasks waiting, at most ", limits.queued));
  }
  throw LimitReached(LimitReached::Limit::spending_cap,
                     text("this key has spent ",
                          spent,
                          " mills, the task costs ",
                          task.price_mills,
                          ", the cap is ",
                          limits.spending_cap_mills));
}

void enter_lane(Connection& sql, const NewTask& task, const Limits& limits) {
  if (try_lane(sql, task, limits)) return;
  make_tenant(sql, task.tenant);
  sql.run(sql::kMakeLane, {{"key_id", task.key_id}, {"tenant", task.tenant}});
  if (!try_lane(sql, task, limits)) refuse(sql, task, limits);
}

}  // namespace

Submitted Store::create(const NewTask& task, const Limits& limits) {
  database_->check_room();
  auto submitted = database_->write([&](Connection& sql, Now now) -> Submitted {
    const auto id = new_id(now);
    if (!task.idempotency_key.empty()) {
      const auto earlier = id_of_idempotency_key(sql, now, task, id);
      if (earlier != id) return {.task = task_with_id(sql, earlier), .attached = true};
    } else if (const auto earlier = attach(sql, task, now.steady - options_.attach_window_ms)) {
      return {.task = task_with_id(sql, *earlier), .attached = true};
    }
    const auto number = insert(sql, now, task, id);
    enter_lane(sql, task, limits);
    return {.task = read_task(sql, number)};
  });
  if (!submitted.attached) tell(Change::Kind::queue, submitted.task.id);
  return submitted;
}

void Store::reply_lost(const std::string& tenant, const std::string& id) {
  database_->run_write([&](Connection& sql, Now now) {
    sql.run(sql::kMarkReplyLost, {{"steady", now.steady}, {"tenant", tenant}, {"id", id}});
  });
}

}  // namespace tasks
