// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "tasks/database.h"
#include "tasks/store.h"
#include "tasks/task_rows.h"

namespace tasks {
namespace {

constexpr int64_t kMaxPage = 1'000'000;
constexpr int64_t kMaxPageSize = 100;

constexpr auto kFind = "WHERE id = :id AND tenant = :tenant AND removed = 0";

// State changes, and the latest progress, which is kept with the task.
constexpr auto kEvents = R"(
SELECT task_event.sequence, task_event.name, task_event.data, task_event.at
FROM task JOIN task_event ON task_event.task = task.number
WHERE task.id = :id AND task.tenant = :tenant AND task.removed = 0
  AND task_event.sequence > :sequence
UNION ALL
SELECT progress_sequence, 'progress', progress, progress_at FROM task
WHERE id = :id AND tenant = :tenant AND state = 'processing' AND progress_sequence > :sequence
ORDER BY 1)";

// Every answer about a waiting task asks for this, so that it must not read the whole queue.
constexpr auto kQueuePosition = R"(
SELECT (SELECT count(*) FROM (SELECT 1 FROM task
                              WHERE state = 'created' AND weights = own.weights
                                AND priority > own.priority LIMIT 100) AS more_urgent)
     + (SELECT count(*) FROM (SELECT 1 FROM task
                              WHERE state = 'created' AND weights = own.weights
                                AND priority = own.priority AND number <= own.number
                              LIMIT 100) AS earlier)
FROM task AS own WHERE id = :id AND tenant = :tenant AND state = 'created')";

constexpr auto kQueueLoads = R"(
SELECT weights, count(*), 0, min(created_at) FROM task WHERE state = 'created' GROUP BY weights
UNION ALL
SELECT weights, 0, count(*), 0 FROM task WHERE state = 'processing' GROUP BY weights
ORDER BY 1)";

constexpr auto kHoldsFiles = R"(
SELECT 1 FROM task
WHERE id = :id AND attempt = :attempt
  AND (state = 'processing' OR (state = 'completed' AND removed = 0)))";

void refuse_unless_valid(const Filter& filter) {
  std::vector<std::string> complaints;
  const auto check_range = [&](const char* name, int64_t value, int64_t max) {
    if (value >= 1 && value <= max) return;
    complaints.push_back(base::text(name, ": ", value, " is not in 1 to ", max));
  };
  check_range("page", filter.page, kMaxPage);
  check_range("page_size", filter.page_size, kMaxPageSize);
  if (!filter.state.empty()) {
    try {
      state_named(filter.state);
    } catch (const base::Error& error) {
      complaints.emplace_back(error.what());
    }
  }
  if (complaints.empty()) return;
  throw base::Error(base::Fault::invalid, base::join(complaints, "\n"));
}

struct Condition {
  std::string text;
  std::vector<Parameter> parameters;
};

Condition condition_of(const std::string& tenant, const Filter& filter) {
  Condition where{"WHERE tenant = :tenant AND removed = 0", {{"tenant", tenant}}};
  const auto add = [&](bool is_wanted, const char* text, Parameter parameter) {
    if (!is_wanted) return;
    where.text += text;
    where.parameters.push_back(std::move(parameter));
  };
  add(!filter.endpoint.empty(), " AND endpoint = :endpoint", {"endpoint", filter.endpoint});
  add(!filter.state.empty(), " AND state = :state", {"state", filter.state});
  add(filter.created_after != 0, " AND created_at >= :after", {"after", filter.created_after});
  add(filter.created_before != 0, " AND created_at < :before", {"before", filter.created_before});
  return where;
}

}  // namespace

std::optional<Task> Store::find(const std::string& tenant, const std::string& id) {
  const Parameter parameters[] = {{"id", id}, {"tenant", tenant}};
  auto found = database_->read([&](Connection& sql) { return read_tasks(sql, kFind, parameters); });
  if (found.empty()) return std::nullopt;
  return std::move(found[0]);
}

Page Store::list(const std::string& tenant, const Filter& filter) {
  refuse_unless_valid(filter);
  auto where = condition_of(tenant, filter);
  return database_->read([&](Connection& sql) {
    Page page;
    page.total = std::get<0>(
        sql.rows<int64_t>("SELECT count(*) FROM task " + where.text, where.parameters).at(0));
    auto parameters = where.parameters;
    parameters.emplace_back("size", filter.page_size);
    parameters.emplace_back("offset", (filter.page - 1) * filter.page_size);
    page.tasks =
        read_tasks(sql,
                   where.text + " ORDER BY created_at DESC, number DESC LIMIT :size OFFSET :offset",
                   parameters);
    return page;
  });
}

std::vector<Event> Store::events_after(const std::string& tenant,
                                       const std::string& id,
                                       int64_t sequence) {
  const Parameter parameters[] = {{"id", id}, {"tenant", tenant}, {"sequence", sequence}};
  return database_->read([&](Connection& sql) {
    std::vector<Event> events;
    Event event;
    const Connection::Target targets[] = {&event.sequence, &event.name, &event.data, &event.at};
    sql.each_row(kEvents, parameters, targets, [&] { events.push_back(event); });
    return events;
  });
}

int64_t Store::queue_position(const std::string& tenant, const std::string& id) {
  return database_->read([&](Connection& sql) {
    const auto rows = sql.rows<int64_t>(kQueuePosition, {{"id", id}, {"tenant", tenant}});
    return rows.empty() ? 0 : std::get<0>(rows[0]);
  });
}

std::vector<QueueLoad> Store::queue_loads() {
  return database_->read([](Connection& sql) {
    std::vector<QueueLoad> loads;
    QueueLoad row;
    const Connection::Target targets[] = {
        &row.weights, &row.queued, &row.running, &row.oldest_created_at};
    sql.each_row(kQueueLoads, {}, targets, [&] {
      if (loads.empty() || loads.back().weights != row.weights) {
        loads.push_back({.weights = row.weights});
      }
      loads.back().queued += row.queued;
      loads.back().running += row.running;
      loads.back().oldest_created_at += row.oldest_created_at;
    });
    return loads;
  });
}

bool Store::holds_files(const std::string& id, int64_t attempt) {
  return database_->read([&](Connection& sql) {
    return !sql.rows<int64_t>(kHoldsFiles, {{"id", id}, {"attempt", attempt}}).empty();
  });
}

}  // namespace tasks
