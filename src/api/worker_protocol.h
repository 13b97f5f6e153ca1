// SPDX-License-Identifier: Apache-2.0
// What workers call: claim, heartbeat, files, and one of finish, fail, release. Described in
// docs/worker-protocol.md; the other end is src/worker.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "api/context.h"

namespace api::worker_protocol {

boost::asio::awaitable<http::Response> claim(Context& context, Call call);
http::Response heartbeat(Context& context, const Call& call);
http::Reception receive_file(Context& context, http::Request& head);
http::Response put_file(Context& context, const Call& call);
http::Response finish(Context& context, const Call& call);
http::Response fail(Context& context, const Call& call);
http::Response release(Context& context, const Call& call);

}  // namespace api::worker_protocol
