// SPDX-License-Identifier: Apache-2.0
// From an HTTP request to its handler and back: the one place where routes are found, callers are
// known, limits are applied and errors become answers.
#pragma once

#include "api/context.h"
#include "http/message.h"

namespace api {

// The service of the whole API. `context` outlives it.
http::Service make_service(Context& context);

}  // namespace api
