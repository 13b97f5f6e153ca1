// SPDX-License-Identifier: Apache-2.0
// Following a task: until its end, or event by event.
#pragma once

#include <chrono>

#include <boost/asio/awaitable.hpp>

#include "api/context.h"

namespace api {

// Returns the task when it has come to its end, when `patience` is over, or soon after the client
// has left.
boost::asio::awaitable<tasks::Task> await_end(Context& context,
                                              const http::Request& request,
                                              tasks::Task task,
                                              std::chrono::milliseconds patience);

// Server-sent events of the task's states and progress, those after the Last-Event-ID that the
// client names first; ends with the task.
http::Response follow(Context& context,
                      const Call& call,
                      const tasks::Task& task,
                      const boost::asio::any_io_executor& executor);

}  // namespace api
