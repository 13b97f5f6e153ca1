// SPDX-License-Identifier: Apache-2.0
// Where a server listens, how it ends, and streams that outlive a single answer.
#include <fstream>
#include <future>

#include <gtest/gtest.h>
#include <sys/un.h>

#include "base/error.h"
#include "http/test_server.h"
#include "http/wait.h"

namespace {

using namespace http;
using namespace http::test;
using boost::asio::awaitable;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

base::Fault fault_of(const std::string& address) {
  Server server(echo_service(), {});
  try {
    server.listen(address);
  } catch (const base::Error& error) {
    return error.fault();
  }
  return base::Fault::internal;
}

TEST(Listening, RefusesWhatIsNoAddress) {
  for (const auto* address :
       {"", "localhost", ":80", "127.0.0.1:http", "127.0.0.1:99999", "8000", "203.0.113.1:0"}) {
    EXPECT_EQ(fault_of(address), base::Fault::invalid) << address;
  }
  EXPECT_EQ(fault_of('/' + std::string(108, 'a')), base::Fault::invalid);
}

TEST(Listening, TellsAnAddressInUse) {
  Running running(echo_service());
  EXPECT_EQ(fault_of("127.0.0.1:" + std::to_string(running.port())), base::Fault::conflict);
}

TEST(Listening, KnowsWhoCanConnect) {
  const auto is_local = [](const std::string& address) {
    Server server(echo_service(), {});
    server.listen(address);
    return server.is_local();
  };
  const Folder folder;
  EXPECT_TRUE(is_local("127.0.0.1:0"));
  EXPECT_TRUE(is_local("localhost:0"));
  EXPECT_TRUE(is_local("[::1]:0"));
  EXPECT_TRUE(is_local((folder / "s").string()));
  EXPECT_FALSE(is_local("0.0.0.0:0"));
  EXPECT_FALSE(is_local("[::]:0"));
}

TEST(Listening, OnAUnixSocketIsForThisUserOnly) {
  const Folder folder;
  const auto path = folder / "s";
  {
    Running running(echo_service(), quick_options(), path.string());
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(running.port(), 0);
    EXPECT_EQ(fault_of(path.string()), base::Fault::conflict);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Listening, ReplacesTheSocketOfADeadServerAndNothingElse) {
  const Folder folder;
  const auto path = (folder / "s").string();
  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(dead);
  { Running running(echo_service(), quick_options(), path); }

  std::ofstream(folder / "file") << "x";
  EXPECT_EQ(fault_of((folder / "file").string()), base::Fault::conflict);
}

TEST(Draining, ClosesWhatIsIdleAndFinishesTheRest) {
  std::promise<void> may_answer;
  auto service = echo_service();
  service.handle = [&](Request& request) -> awaitable<Response> {
    if (request.path == "/slow") may_answer.get_future().wait();
    co_return text_response(200, "done");
  };
  Running running(service);
  Wire idle(running.port());
  idle.send(kGet);
  EXPECT_EQ(idle.receive().status, 200);
  Wire fresh(running.port());
  Wire busy(running.port());
  busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  Wire half(running.port());
  half.send("GET / HTTP/1.1\r\nHo");
  running.wait_for_connections(4);

  running.server().drain();
  EXPECT_EQ(idle.receive_all(), "");
  EXPECT_EQ(fresh.receive_all(), "");
  EXPECT_THROW(Wire late(running.port()), std::runtime_error);
  may_answer.set_value();
  const auto reply = busy.receive();
  EXPECT_EQ(reply.body, "done");
  EXPECT_EQ(*find(reply.headers, "connection"), "close");
  busy.finish_sending();
  half.send("st: a\r\n\r\n");
  half.finish_sending();
  half.receive_all();
  running.join();
}

TEST(Draining, AServerThatNeverRanIsOverAtOnce) {
  Server server(echo_service(), quick_options());
  server.listen("127.0.0.1:0");
  server.drain();
  server.run();
  EXPECT_EQ(server.connections(), 0u);
}

TEST(Stopping, CutsEvenWhatWaits) {
  auto service = echo_service();
  service.handle = [](Request&) -> awaitable<Response> {
    co_await http::wait(std::chrono::hours(1));
    co_return text_response(200, "never");
  };
  auto running = std::make_unique<Running>(service);
  Wire wire(running->port());
  wire.send(kGet);
  running->wait_for_connections(1);
  running->server().stop();
  EXPECT_EQ(wire.receive_all(), "");
  running.reset();
}

// ── event streams ──

// Gives one batch after the other, then what `last` says.
Service event_service(const std::vector<std::vector<Event>>& batches,
                      const EventStream::Batch& last) {
  auto service = echo_service();
  service.handle = [=](Request&) -> awaitable<Response> {
    Response response;
    auto position = std::make_shared<size_t>(0);
    response.body =
        EventStream{[=](std::chrono::milliseconds patience) -> awaitable<EventStream::Batch> {
          if (*position < batches.size()) co_return batches[(*position)++];
          if (!last) co_return std::nullopt;
          co_await http::wait(patience);
          co_return last;
        }};
    co_return response;
  };
  return service;
}

TEST(EventStreams, SendEventsUntilTheyEnd) {
  Running running(
      event_service({{{"a", "1", ""}, {"a", "2", ""}}, {{"b", "3", ""}}}, std::nullopt));
  Wire wire(running.port());
  wire.send(kGet);
  const auto all = wire.receive_all();
  EXPECT_NE(all.find("content-type: text/event-stream\r\n"), std::string::npos);
  EXPECT_NE(all.find("connection: close\r\n"), std::string::npos);
  EXPECT_EQ(all.find("content-length"), std::string::npos);
  EXPECT_TRUE(
      all.ends_with("\r\n\r\nevent: a\ndata: 1\n\nevent: a\ndata: 2\n\nevent: b\ndata: 3\n\n"))
      << all;
}

TEST(EventStreams, PingWhileNothingHappens) {
  auto options = quick_options();
  options.limits.ping_time = std::chrono::milliseconds(1);
  Running running(event_service({}, std::vector<Event>{}), options);
  Wire wire(running.port());
  wire.send(kGet);
  EXPECT_NE(wire.receive_until(": ping\n\n: ping\n\n").find(": ping\n\n: ping\n\n"),
            std::string::npos);
}

TEST(EventStreams, EndWhenTheClientLeaves) {
  auto options = quick_options();
  options.limits.ping_time = std::chrono::milliseconds(1);
  Running running(event_service({}, std::vector<Event>{}), options);
  {
    Wire wire(running.port());
    wire.send(kGet);
    wire.receive_until(": ping");
  }
  running.wait_for_connections(0);
}

TEST(EventStreams, EndWhenTheServerDrains) {
  auto options = quick_options();
  options.limits.ping_time = std::chrono::milliseconds(1);
  Running running(event_service({}, std::vector<Event>{}), options);
  Wire wire(running.port());
  wire.send(kGet);
  wire.receive_until(": ping");
  running.server().drain();
  wire.receive_all();
  wire.finish_sending();
  running.join();
}

}  // namespace
