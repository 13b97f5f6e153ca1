// SPDX-License-Identifier: Apache-2.0
#include "tasks/task_rows.h"

namespace tasks {
namespace {

constexpr auto kSelect = R"(
SELECT number, id, tenant, key_id, endpoint, wire, weights, input, price_mills, priority,
       webhook_url, state, attempt, cancel_requested, progress, error_code, error_message, seed,
       warnings, inference_ms, created_at, started_at, finished_at
FROM task )";

constexpr auto kOutputs = R"(
SELECT name, media_type, bytes, sha256 FROM output WHERE task = :number ORDER BY position)";

std::vector<Output> read_outputs(Connection& sql, int64_t number) {
  std::vector<Output> outputs;
  const Parameter parameters[] = {{"number", number}};
  Output output;
  const Connection::Target targets[] = {
      &output.name, &output.media_type, &output.bytes, &output.sha256};
  sql.each_row(kOutputs, parameters, targets, [&] { outputs.push_back(output); });
  return outputs;
}

}  // namespace

std::vector<Task> read_tasks(Connection& sql, const std::string& rest, Parameters parameters) {
  std::vector<Task> tasks;
  std::vector<int64_t> numbers;
  Task task;
  int64_t number = 0;
  int64_t cancel_requested = 0;
  std::string state;
  const Connection::Target targets[] = {&number,
                                        &task.id,
                                        &task.tenant,
                                        &task.key_id,
                                        &task.endpoint,
                                        &task.wire,
                                        &task.weights,
                                        &task.input,
                                        &task.price_mills,
                                        &task.priority,
                                        &task.webhook_url,
                                        &state,
                                        &task.attempt,
                                        &cancel_requested,
                                        &task.progress,
                                        &task.error_code,
                                        &task.error_message,
                                        &task.seed,
                                        &task.warnings,
                                        &task.inference_ms,
                                        &task.created_at,
                                        &task.started_at,
                                        &task.finished_at};
  sql.each_row(kSelect + rest, parameters, targets, [&] {
    task.state = state_named(state);
    task.cancel_requested = cancel_requested != 0;
    tasks.push_back(task);
    numbers.push_back(number);
  });
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].state == State::completed) tasks[i].outputs = read_outputs(sql, numbers[i]);
  }
  return tasks;
}

Task read_task(Connection& sql, int64_t number) {
  const Parameter parameters[] = {{"number", number}};
  return read_tasks(sql, "WHERE number = :number", parameters).at(0);
}

}  // namespace tasks
