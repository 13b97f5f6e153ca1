// SPDX-License-Identifier: Apache-2.0
#include "tasks/database.h"
#include "tasks/store.h"

namespace tasks {
namespace {

// In two steps, so that each finds its rows by an index of its own.
constexpr auto kExpired = R"(
SELECT id, attempt FROM task
WHERE state IN ('completed', 'failed') AND finished_at < :finished_before
  AND NOT EXISTS (SELECT 1 FROM delivery WHERE task = task.number AND state = 'pending')
ORDER BY finished_at LIMIT :size)";
constexpr auto kRemoved = R"(
SELECT id, attempt FROM task
WHERE removed = 1 AND finished_at >= :finished_before
  AND NOT EXISTS (SELECT 1 FROM delivery WHERE task = task.number AND state = 'pending')
ORDER BY finished_at LIMIT :size)";

// Outputs, events and the delivery go with it.
constexpr auto kPurge = R"(
DELETE FROM task WHERE id = :id AND state IN ('completed', 'failed'))";

constexpr auto kForgetIdempotencyKeys = R"(
DELETE FROM idempotency WHERE created_at < :forgotten_before)";

}  // namespace

std::vector<Expired> Store::expired_tasks(int64_t finished_before, int64_t limit) {
  return database_->read([&](Connection& sql) {
    std::vector<Expired> tasks;
    Expired task;
    const Connection::Target targets[] = {&task.id, &task.attempt};
    for (const auto* statement : {kRemoved, kExpired}) {
      const Parameter parameters[] = {{"finished_before", finished_before},
                                      {"size", limit - static_cast<int64_t>(tasks.size())}};
      sql.each_row(statement, parameters, targets, [&] { tasks.push_back(task); });
    }
    return tasks;
  });
}

void Store::purge(const std::vector<Expired>& tasks) {
  // One at a time: what is deleted goes through the log as well, for which a full disk has little
  // room.
  for (const auto& task : tasks) {
    database_->run_write([&](Connection& sql, Now) { sql.run(kPurge, {{"id", task.id}}); });
  }
}

void Store::tidy() {
  database_->run_write([](Connection& sql, Now now) {
    sql.run(kForgetIdempotencyKeys, {{"forgotten_before", now.wall - kIdempotencyMs}});
  });
  database_->tidy();
}

std::string Store::check() {
  return database_->check();
}

bool Store::has_failed() const {
  return database_->has_failed();
}

}  // namespace tasks
