// SPDX-License-Identifier: Apache-2.0
// Many clients at once. They live in a process of their own, which is forked off before the server
// has threads, and speak in system calls only.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/text.h"
#include "http/test_server.h"

namespace {

using namespace http;
using namespace http::test;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSanitized = true;
#else
constexpr bool kIsSanitized = false;
#endif

// A server, and a process that runs `clients` with its port until this object is gone.
class Crowd {
 public:
  Crowd(void (*clients)(uint16_t port, int ready), ServerOptions options)
      : server_(echo_service(), std::move(options)) {
    server_.listen("127.0.0.1:0");
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe");
    child_ = ::fork();
    if (child_ == 0) {
      ::close(ends[0]);
      clients(server_.port(), ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    ready_ = ends[0];
    thread_ = std::thread([this] { server_.run(); });
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    ::close(ready_);
    server_.stop();
    thread_.join();
  }

  // Until the clients say that they are all there; false if they could not.
  bool wait() const {
    char byte = 0;
    return ::read(ready_, &byte, 1) == 1 && byte == 'y';
  }
  Server& server() { return server_; }

 private:
  Server server_;
  pid_t child_ = -1;
  int ready_ = -1;
  std::thread thread_;
};

int connect_to(uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool is_there =
      ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  return is_there ? socket : -1;
}

void say(int ready, bool all_there) {
  static_cast<void>(!::write(ready, all_there ? "y" : "n", 1));
}

size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  size_t total = 0;
  size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<size_t>(::getpagesize());
}

// Milliseconds that a request takes, for each of a thousand on one connection, sorted.
std::vector<double> latencies(uint16_t port) {
  Wire wire(port);
  std::vector<double> times;
  for (int i = 0; i < 1000; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    wire.send(kGet);
    EXPECT_EQ(wire.receive().status, 200);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    times.push_back(time.count());
  }
  std::ranges::sort(times);
  return times;
}

void print(const char* what, const std::vector<double>& times) {
  std::printf("  %s: p50 %.2f ms, p99 %.2f ms\n", what, times[500], times[990]);
}

constexpr int kIdle = 10'000;

void be_idle(uint16_t port, int ready) {
  for (int i = 0; i < kIdle; ++i) {
    const int socket = connect_to(port);
    char answer[512];
    const bool is_answered = socket >= 0 && ::send(socket, kGet.data(), kGet.size(), 0) > 0 &&
                             ::recv(socket, answer, sizeof answer, 0) > 0;
    if (!is_answered) return say(ready, false);
  }
  say(ready, true);
  ::pause();
}

TEST(Load, TenThousandIdleConnectionsTakeLittleMemory) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  ServerOptions options;
  options.threads = 2;
  if (Server(echo_service(), options).most_connections() < kIdle) {
    GTEST_SKIP() << "a process may open " << files.rlim_max << " files here";
  }
  Crowd crowd(be_idle, options);
  const auto before = resident_bytes();
  ASSERT_TRUE(crowd.wait());
  EXPECT_EQ(crowd.server().connections(), static_cast<size_t>(kIdle));
  const auto each = (resident_bytes() - before) / kIdle;
  std::printf("  %zu bytes of memory for each of %d idle connections\n", each, kIdle);
  EXPECT_LE(each, kIsSanitized ? 100'000u : 10'000u);
  EXPECT_EQ(latencies(crowd.server().port()).size(), 1000u);
}

constexpr int kDripping = 2'000;

void drip(uint16_t port, int ready) {
  ::signal(SIGPIPE, SIG_IGN);
  static int sockets[kDripping];
  constexpr std::string_view kBegin = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  for (int& socket : sockets) {
    socket = connect_to(port);
    if (socket < 0 || ::send(socket, kBegin.data(), kBegin.size(), 0) < 0) return say(ready, false);
  }
  say(ready, true);
  for (;;) {
    for (const int socket : sockets) static_cast<void>(!::send(socket, "x", 1, 0));
    ::poll(nullptr, 0, 10);
  }
}

TEST(Load, ConnectionsThatDripDoNotSlowTheOthers) {
  ServerOptions options;
  options.threads = 2;
  Crowd crowd(drip, options);
  ASSERT_TRUE(crowd.wait());
  const auto times = latencies(crowd.server().port());
  print("beside 2,000 dripping connections", times);
  EXPECT_LT(times[990], 250);
}

TEST(Load, DISABLED_WrkOnATrivialAnswer) {
  auto service = echo_service();
  service.handle = [](Request&) -> boost::asio::awaitable<Response> {
    Response response;
    response.headers = {{"content-type", "application/json"}};
    response.body = R"({"code":200,"message":"success","data":{"id":"0123456789abcdef"}})";
    co_return response;
  };
  ServerOptions options;
  options.threads = 2;
  Running running(service, options);
  const auto command =
      base::text("wrk -t1 -c64 -d5s --latency http://127.0.0.1:", running.port(), "/");
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
