// SPDX-License-Identifier: Apache-2.0
// A tenant comes into being with its first key, task, credit or webhook.
#pragma once

#include <string>

#include "tasks/connection.h"

namespace tasks {

// Does nothing where the tenant exists.
void make_tenant(Connection& sql, const std::string& name);

}  // namespace tasks
