// SPDX-License-Identifier: Apache-2.0
// For services: lets time pass without holding a thread.
#pragma once

#include <chrono>

#include <boost/asio/awaitable.hpp>

namespace http {

boost::asio::awaitable<void> wait(std::chrono::milliseconds time);

}  // namespace http
