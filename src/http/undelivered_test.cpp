// SPDX-License-Identifier: Apache-2.0
// Answers that nobody waited for.
#include <future>

#include <gtest/gtest.h>

#include "http/server.h"
#include "http/test_server.h"

namespace {

using namespace http;
using namespace http::test;
using boost::asio::awaitable;

constexpr auto* kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(Undelivered, TellsWhenTheClientDidNotWaitForTheAnswer) {
  std::promise<void> asked, left, undelivered;
  auto service = echo_service();
  service.handle = [&](Request&) -> awaitable<Response> {
    asked.set_value();
    left.get_future().wait();
    auto response = text_response(200, "too late");
    response.undelivered = [&] { undelivered.set_value(); };
    co_return response;
  };
  Running running(service);
  {
    Wire wire(running.port());
    wire.send(kRequest);
    asked.get_future().wait();
  }
  left.set_value();
  undelivered.get_future().wait();
}

TEST(Undelivered, SaysNothingOfAnAnswerThatWasTaken) {
  bool was_told = false;
  auto service = echo_service();
  service.handle = [&](Request&) -> awaitable<Response> {
    auto response = text_response(200, "in time");
    response.undelivered = [&] { was_told = true; };
    co_return response;
  };
  {
    Running running(service);
    Wire wire(running.port());
    wire.send(kRequest);
    EXPECT_EQ(wire.receive().body, "in time");
  }
  EXPECT_FALSE(was_told);
}

}  // namespace
