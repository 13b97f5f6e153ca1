// SPDX-License-Identifier: Apache-2.0
// Taking in a task: what all wires share.
#pragma once

#include <string>
#include <vector>

#include "api/context.h"
#include "base/json.h"
#include "catalog/catalog.h"
#include "tasks/task.h"

namespace api {

// A request that was understood, on its way to the store.
struct Submission {
  const catalog::Endpoint& endpoint;
  const base::Json& body;  // as it came
  catalog::GenerateRequest request;
  std::vector<std::string> warnings;
  std::string webhook_url;
};

// Stores the task and returns it; it is durable then. An earlier task is returned where the caller
// repeats itself (tasks/store.h). Throws Error(invalid) for what cannot be served yet or ever,
// LimitReached, and Error(conflict) where the Idempotency-Key was used with another body.
tasks::Submitted submit(Context& context, const Call& call, const Submission& submission);

// The body as JSON. Throws Error(invalid) that says where it is not.
base::Json json_body(const Call& call);

}  // namespace api
