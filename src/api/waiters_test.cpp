// SPDX-License-Identifier: Apache-2.0
#include "api/waiters.h"

#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

// Runs a coroutine to its end and returns what it makes.
bool run(asio::awaitable<bool> coroutine) {
  asio::io_context context;
  bool result = false;
  asio::co_spawn(context, std::move(coroutine), [&](const std::exception_ptr&, bool value) {
    result = value;
  });
  context.run();
  return result;
}

TEST(Waiters, WhatHappensBeforeTheWaitIsNotMissed) {
  api::Waiters board;
  EXPECT_TRUE(run([](api::Waiters& waiters) -> asio::awaitable<bool> {
    api::Waiter waiter(waiters, "task", co_await asio::this_coro::executor);
    waiters.notify("task");
    co_return co_await waiter.wait(1h);
  }(board)));
}

TEST(Waiters, AreWokenFromAnotherThread) {
  api::Waiters board;
  std::thread other;
  EXPECT_TRUE(run([](api::Waiters& waiters, std::thread& thread) -> asio::awaitable<bool> {
    api::Waiter waiter(waiters, "task", co_await asio::this_coro::executor);
    thread = std::thread([&waiters] { waiters.notify("task"); });
    co_return co_await waiter.wait(1h);
  }(board, other)));
  other.join();
}

TEST(Waiters, HearNothingOfOtherKeys) {
  api::Waiters board;
  EXPECT_FALSE(run([](api::Waiters& waiters) -> asio::awaitable<bool> {
    api::Waiter waiter(waiters, "task", co_await asio::this_coro::executor);
    waiters.notify("another");
    co_return co_await waiter.wait(1ms);
  }(board)));
}

TEST(Waiters, HearOfEveryEventOnce) {
  api::Waiters board;
  EXPECT_FALSE(run([](api::Waiters& waiters) -> asio::awaitable<bool> {
    api::Waiter waiter(waiters, "task", co_await asio::this_coro::executor);
    waiters.notify("task");
    const bool first = co_await waiter.wait(1h);
    EXPECT_TRUE(first);
    co_return co_await waiter.wait(1ms);
  }(board)));
}

TEST(Waiters, WaitNoLongerOnceTheBoardIsClosed) {
  api::Waiters board;
  EXPECT_FALSE(run([](api::Waiters& waiters) -> asio::awaitable<bool> {
    api::Waiter waiter(waiters, "task", co_await asio::this_coro::executor);
    waiters.close();
    co_return co_await waiter.wait(1h);
  }(board)));
}

}  // namespace
