// SPDX-License-Identifier: Apache-2.0
// The asynchronous API v3 of Jiekou and Novita (wire-apis D). One handler per route.
#pragma once

#include "api/context.h"
#include "api/links.h"
#include "base/json.h"
#include "tasks/task.h"

namespace api::jiekou {

http::Response submit(Context& context, const Call& call);
http::Response result(Context& context, const Call& call);

// What task-result answers (D2), and what a webhook carries as its payload (D4).
base::Json task_result(const Context& context, const Links& links, const tasks::Task& task);

// {"event_type": "ASYNC_TASK_RESULT", "payload": …}
base::Json webhook_event(const base::Json& payload);

}  // namespace api::jiekou
