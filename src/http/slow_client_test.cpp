// SPDX-License-Identifier: Apache-2.0
// Clients that take their time, on a clock that only moves when the test says so.
#include <fstream>

#include <gtest/gtest.h>

#include "http/test_server.h"

namespace {

using namespace http;
using namespace http::test;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// Much more than the buffers of a connection hold.
std::string large_text() {
  std::string text;
  text.resize(20'000'000, 'x');
  return text;
}

class SlowClient : public testing::Test {
 protected:
  SlowClient() {
    options_ = quick_options();
    options_.clock = clock_.clock();
  }

  static constexpr int kGivenUp = 180;

  // Lets a second go by, again and again, and acts after each, until `is_over` or three minutes
  // have passed. The seconds it took: at least as many as the limit has that is to be shown.
  template <typename IsOver, typename Act>
  int seconds_until(IsOver is_over, Act act) {
    int seconds = 0;
    for (; !is_over() && seconds < kGivenUp; ++seconds) {
      clock_.advance(1000);
      act();
    }
    return seconds;
  }
  // Until the server closes or answers.
  template <typename Act>
  int seconds_until_news(Wire& wire, Act act) {
    return seconds_until([&] { return wire.has_news(5); }, act);
  }
  int seconds_until_news(Wire& wire) {
    return seconds_until_news(wire, [] {});
  }

  StillClock clock_;
  ServerOptions options_;
};

TEST_F(SlowClient, HasTenSecondsForAHeadHoweverItDrips) {
  Running running(echo_service(), options_);
  Wire wire(running.port());
  wire.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  const auto seconds = seconds_until_news(wire, [&] { wire.send("x"); });
  EXPECT_GE(seconds, 10);
  EXPECT_LT(seconds, kGivenUp);
  EXPECT_EQ(wire.receive().status, 408);
  EXPECT_EQ(wire.receive_all(), "");
}

TEST_F(SlowClient, SharesTheMemoryForBodiesWithAllOthers) {
  options_.limits.body_memory = 50'000;
  Running running(echo_service(), options_);
  Wire wire(running.port());
  const auto status_of = [&](size_t bytes) {
    wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(bytes) +
              "\r\n\r\n" + std::string(bytes, 'x'));
    return wire.receive().status;
  };
  // What one body took is free again for the next.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(status_of(40'000), 200);
  EXPECT_EQ(status_of(90'000), 503);
}

TEST_F(SlowClient, ComesInBesideOthersThatFillTheMemoryIfItSaysLittle) {
  options_.limits.body_memory = 0;
  Running running(echo_service(), options_);
  Wire wire(running.port());
  wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 16000\r\n\r\n" +
            std::string(16'000, 'x'));
  EXPECT_EQ(wire.receive().status, 200);
}

TEST_F(SlowClient, IsLeftWithoutAWordWhenIdle) {
  Running running(echo_service(), options_);
  Wire wire(running.port());
  wire.send(kGet);
  EXPECT_EQ(wire.receive().status, 200);
  EXPECT_GE(seconds_until_news(wire), 75);
  EXPECT_EQ(wire.receive_all(), "");
}

TEST_F(SlowClient, MustSendABodyAtARate) {
  const Folder folder;
  auto service = echo_service();
  service.receive = [&](Request&) {
    return Reception{Reception::file, 1 << 30, folder.path(), {}};
  };
  Running running(service, options_);
  Wire wire(running.port());
  wire.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
  const auto seconds = seconds_until_news(wire, [&] { wire.send("xxxxxxxx"); });
  EXPECT_GE(seconds, 10);
  EXPECT_LT(seconds, kGivenUp);
  EXPECT_EQ(wire.receive().status, 408);
  running.wait_for_connections(0);
  EXPECT_TRUE(folder.empty());
}

TEST_F(SlowClient, HasOneMinuteForABodyInMemoryAtAnyRate) {
  auto service = echo_service();
  service.receive = [](Request&) { return Reception{Reception::memory, 1 << 30, {}, {}}; };
  Running running(service, options_);
  Wire wire(running.port());
  wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
  const auto seconds = seconds_until_news(wire, [&] { wire.send(std::string(300'000, 'x')); });
  EXPECT_GE(seconds, 60);
  EXPECT_LT(seconds, kGivenUp);
  EXPECT_EQ(wire.receive().status, 408);
}

TEST_F(SlowClient, CannotSaveUpTimeBySendingFastAtFirst) {
  const Folder folder;
  auto service = echo_service();
  service.receive = [&](Request&) {
    return Reception{Reception::file, 1 << 30, folder.path(), {}};
  };
  Running running(service, options_);
  Wire wire(running.port());
  wire.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n" + large_text());
  const auto seconds = seconds_until_news(wire);  // at the rate these bytes are worth 312 s
  EXPECT_GE(seconds, 60);
  EXPECT_LT(seconds, kGivenUp);
}

TEST_F(SlowClient, ThatDoesNotReadIsCut) {
  const Folder folder;
  std::ofstream(folder / "v") << large_text();
  auto service = echo_service();
  service.handle = [&](Request& request) -> boost::asio::awaitable<Response> {
    auto response = text_response(200, large_text());
    if (request.path == "/file") response.body = FileBody{folder / "v", "video/mp4", ""};
    co_return response;
  };
  for (const auto* path : {"/text", "/file"}) {
    Running running(service, options_);
    Wire wire(running.port(), 4096);
    wire.send(std::string("GET ") + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_TRUE(wire.has_news(20'000));
    const auto seconds = seconds_until([&] { return running.server().connections() == 0; }, [] {});
    EXPECT_GE(seconds, 60) << path;
    EXPECT_LT(seconds, kGivenUp) << path;
  }
}

TEST_F(SlowClient, IsWaitedForWhenAConnectionIsClosedButNotForEver) {
  Running running(echo_service(), options_);
  Wire wire(running.port());
  wire.send("nonsense\r\n\r\n");
  EXPECT_EQ(wire.receive().status, 400);
  const auto seconds = seconds_until([&] { return running.server().connections() == 0; },
                                     [&] { wire.send("more nonsense"); });
  EXPECT_GE(seconds, 5);
  EXPECT_LT(seconds, kGivenUp);
}

TEST_F(SlowClient, MayWaitForItsAnswerAsLongAsTheServiceTakes) {
  std::atomic<bool> may_answer = false;
  auto service = echo_service();
  service.handle = [&](Request&) -> boost::asio::awaitable<Response> {
    while (!may_answer) std::this_thread::yield();
    co_return text_response(200, "done");
  };
  Running running(service, options_);
  Wire wire(running.port());
  wire.send(kGet);
  EXPECT_EQ(seconds_until_news(wire), kGivenUp);
  may_answer = true;
  EXPECT_EQ(wire.receive().body, "done");
}

}  // namespace
