// SPDX-License-Identifier: Apache-2.0
// Reading tasks as their callers see them.
#pragma once

#include <string>
#include <vector>

#include "tasks/connection.h"
#include "tasks/task.h"

namespace tasks {

// `rest` continues "SELECT … FROM task ". With their outputs.
std::vector<Task> read_tasks(Connection& sql, const std::string& rest, Parameters parameters);

// The task with this number, which must exist.
Task read_task(Connection& sql, int64_t number);

}  // namespace tasks
