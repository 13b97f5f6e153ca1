// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "tasks/database.h"
#include "tasks/queue_sql.h"
#include "tasks/store.h"
#include "tasks/transitions.h"

namespace tasks {
namespace {

// Cancels what is not final and returns the state then.
Outcome stop(Connection& sql, Now now, const Held& task) {
  if (task.state == State::created) return settle(sql, now, task, cancelled());
  sql.run(sql::kRequestCancel, {{"number", task.number}});
  return {.state = task.state};
}

}  // namespace

State Store::cancel(const std::string& tenant, const std::string& id) {
  const auto outcome = database_->write([&](Connection& sql, Now now) {
    const auto task = hold_by_tenant(sql, tenant, id);
    if (!task) throw base::Error(base::Fault::not_found, base::text("no task ", id));
    return stop(sql, now, *task);
  });
  tell_end(id, outcome);
  return outcome.state;
}

int64_t Store::remove(const std::string& tenant, const std::vector<std::string>& ids) {
  int64_t removed = 0;
  for (const auto& id : ids) {
    const auto outcome = database_->write([&](Connection& sql, Now now) -> std::optional<Outcome> {
      const auto task = hold_by_tenant(sql, tenant, id);
      if (!task) return std::nullopt;
      auto stopped = stop(sql, now, *task);
      sql.run(sql::kRemove, {{"number", task->number}});
      return stopped;
    });
    if (!outcome) continue;
    ++removed;
    tell_end(id, *outcome);
  }
  return removed;
}

}  // namespace tasks
