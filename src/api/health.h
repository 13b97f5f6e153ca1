// SPDX-License-Identifier: Apache-2.0
// What operators and their machines ask.
#pragma once

#include "api/context.h"

namespace api::health {

http::Response live(Context& context, const Call& call);
// 503 with the reason where nobody would work on a task that came now.
http::Response ready(Context& context, const Call& call);
http::Response version(Context& context, const Call& call);
http::Response metrics(Context& context, const Call& call);
http::Response openapi(Context& context, const Call& call);
http::Response welcome(Context& context, const Call& call);

}  // namespace api::health
