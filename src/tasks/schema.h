// SPDX-License-Identifier: Apache-2.0
// The tables. What must hold of a task is written there as constraints; docs/task-states.md
// explains them.
#pragma once

#include "tasks/database.h"

namespace tasks {

// Brings the database to this program's version, from empty or any earlier one. Throws
// Error(invalid) when it is of a later one.
void migrate(Database& database);

}  // namespace tasks
