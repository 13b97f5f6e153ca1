// SPDX-License-Identifier: Apache-2.0
// WaveSpeed's API v3 (wire-apis A). One handler per route; the routes are in routes.cpp.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "api/context.h"
#include "catalog/catalog.h"

namespace api::wavespeed {

using boost::asio::awaitable;

// Throws Error(not_found) that says where the list is.
const catalog::Endpoint& endpoint_named(const std::string& id);

awaitable<http::Response> submit(Context& context, Call call);

http::Response result(Context& context, const Call& call);
http::Response list(Context& context, const Call& call);
http::Response remove(Context& context, const Call& call);
http::Response cancel(Context& context, const Call& call);
http::Response replay_webhook(Context& context, const Call& call);
awaitable<http::Response> events(Context& context, Call call);

http::Response balance(Context& context, const Call& call);
http::Response usage(Context& context, const Call& call);
http::Response models(Context& context, const Call& call);
http::Response pricing(Context& context, const Call& call);  // POST /model/pricing
http::Response price(Context& context, const Call& call);    // POST /model/price, the newer form
http::Response webhook_secret(Context& context, const Call& call);

}  // namespace api::wavespeed
