// SPDX-License-Identifier: Apache-2.0
// Every route there is, in one table.
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include <boost/asio/awaitable.hpp>

#include "api/context.h"
#include "api/problem.h"

namespace api {

// What a caller must bring.
enum class Access {
  open,     // nothing
  link,     // the address is signed: the handler looks at it
  read,     // a key that may read tasks
  write,    // a key that may make and change them
  metrics,  // a key that may read metrics
  worker,   // a worker's key, or the server's own socket
  owner,    // the server's own socket, which only its user can open
};

enum class Body {
  none,
  json,    // at most a megabyte, in memory
  upload,  // a file of the size that uploads may have
  custom,  // the route's receive() decides
};

using Plain = http::Response (*)(Context&, const Call&);
using Waiting = boost::asio::awaitable<http::Response> (*)(Context&, Call);
using Receive = http::Reception (*)(Context&, http::Request&);

struct Route {
  std::string_view method;
  std::string_view pattern;
  Dialect dialect;  // the shape of its errors
  Access access;
  Body body;
  std::variant<Plain, Waiting> handle;
  std::string_view summary;
  std::string_view gives;       // the schema of its answer (openapi_schemas.cpp); empty: no JSON
  std::string_view takes = {};  // the schema of its body
  Receive receive = nullptr;
};

std::span<const Route> routes();

// The word of a key's scopes that opens a route, "tasks:read".
std::string_view scope_of(Access access);

}  // namespace api
