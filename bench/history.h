// SPDX-License-Identifier: Apache-2.0
// A database as it looks after months: many finished tasks, and a long queue.
#pragma once

#include <cstdint>

#include "tasks/database.h"
#include "tasks/task.h"

namespace bench {

inline constexpr int kTenants = 20;

// A submit of one of the tenants, "tenant-<number % kTenants>".
tasks::NewTask submission(int64_t number);

// Finished tasks of all tenants with all that belongs to them, and after them waiting ones, past
// the store's rules: seconds for a million. The tables must be there and empty.
void fill(tasks::Database& database, int64_t finished, int64_t waiting);

}  // namespace bench
