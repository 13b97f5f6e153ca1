// SPDX-License-Identifier: Apache-2.0
// What goes wrong, in the words of each wire.
#pragma once

#include <string>

#include "base/error.h"
#include "base/json.h"
#include "http/message.h"

namespace api {

// Whose client is at the other end: decides the shape of errors. Ours is that of WaveSpeed.
enum class Dialect { wavespeed, jiekou };

// Headers every JSON answer has.
http::Response json_response(int status, const base::Json& body);

// WaveSpeed: {"code": 404, "message": "…"}. Jiekou and Novita: {"code": 404, "reason":
// "TASK_NOT_FOUND", "message": "…", "metadata": {}}.
http::Response problem(Dialect dialect, int status, const std::string& message);
http::Response problem(Dialect dialect,
                       int status,
                       const std::string& reason,
                       const std::string& message,
                       const base::Json& metadata = base::Json::object());

// A key of idempotency that came with another body: 422, where other conflicts are 409.
class KeyReused : public base::Error {
 public:
  explicit KeyReused(const base::Error& error) : Error(error) {}
};

// An error as an answer: its status by its fault, Retry-After where trying again makes sense. The
// detail is not in it.
http::Response problem(Dialect dialect, const base::Error& error);

int status_of(const base::Error& error);

}  // namespace api
