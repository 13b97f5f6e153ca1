// SPDX-License-Identifier: Apache-2.0
// A task as WaveSpeed's clients see it.
#pragma once

#include "api/context.h"
#include "api/links.h"
#include "api/problem.h"
#include "base/json.h"
#include "tasks/task.h"

namespace api {

// Base64 where it was asked for, which reads them from the disk, or their addresses in any case.
enum class Videos { as_asked, as_addresses };

// The prediction object (wire-apis A2): whole from the first answer on, nothing in it null.
base::Json prediction(const Context& context,
                      const Links& links,
                      const tasks::Task& task,
                      Videos videos = Videos::as_asked);

// The same as a webhook sends it (A7): `outputs` only of a completed task, and nothing besides the
// fields that the vendor documents.
base::Json webhook_prediction(const Context& context, const tasks::Task& task);

// {"code": 200, "message": "success", "data": …}
http::Response success(base::Json data);

// Addresses of the results of a completed task, signed.
std::vector<std::string> output_urls(const Links& links, const tasks::Task& task);

// The member that says how far a task is: phase, step, steps, percent, eta_seconds and, while it
// waits, queue_position.
base::Json progress_of(const Context& context, const tasks::Task& task);

// The text under which a cancelled task is reported: no wire has a word of its own for it.
inline constexpr std::string_view kCancelledCode = "cancelled";

}  // namespace api
