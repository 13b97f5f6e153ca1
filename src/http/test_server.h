// SPDX-License-Identifier: Apache-2.0
// For tests, of the rooms above too: a server that runs, a clock that stands still until it is
// told, and a client that sends exactly the bytes it is given.
#pragma once

#include <atomic>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/field.h"
#include "http/server.h"

namespace http::test {

// Steady time that only moves when the test says so.
class StillClock {
 public:
  // Returns once the server looked at the clock again, as it does at every sweep.
  void advance(int64_t milliseconds) {
    state_->now += milliseconds;
    for (const int seen = state_->readings; state_->readings < seen + 2;) std::this_thread::yield();
  }
  base::Clock clock() const {
    return {base::system_clock().wall, [state = state_] {
              ++state->readings;
              return state->now.load();
            }};
  }

 private:
  struct State {
    std::atomic<int64_t> now = 1'000'000;
    std::atomic<int> readings = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

// A folder of its own for a test, removed with everything in it.
class Folder {
 public:
  Folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "http_test_XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::filesystem::path path_;
};

inline Response text_response(int status, std::string text) {
  Response response;
  response.status = status;
  response.headers = {{"content-type", "text/plain"}};
  response.body = std::move(text);
  return response;
}

// Takes every body into memory and answers with "METHOD PATH BODY"; refusals are "STATUS REASON".
inline Service echo_service() {
  Service service;
  service.receive = [](Request&) { return Reception{Reception::memory, 1 << 20, {}, {}}; };
  service.handle = [](Request& request) -> boost::asio::awaitable<Response> {
    co_return text_response(200, request.method + ' ' + request.path + ' ' + request.body);
  };
  service.refuse = [](int status, const std::string& reason, const Request*) {
    return text_response(status, std::to_string(status) + ' ' + reason);
  };
  return service;
}

// Limits that tests need not wait for in real time.
inline ServerOptions quick_options() {
  ServerOptions options;
  options.threads = 2;
  options.limits.sweep_time = std::chrono::milliseconds(2);
  return options;
}

// A server on a free port of 127.0.0.1, from construction to destruction.
class Running {
 public:
  explicit Running(Service service,
                   ServerOptions options = quick_options(),
                   const std::string& address = "127.0.0.1:0") {
    options.log = [this](const std::string& line) {
      const std::lock_guard lock(mutex_);
      log_ += line + '\n';
    };
    server_ = std::make_unique<Server>(std::move(service), std::move(options));
    server_->listen(address);
    thread_ = std::thread([this] { server_->run(); });
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    server_->stop();
    if (thread_.joinable()) thread_.join();
  }

  Server& server() { return *server_; }
  uint16_t port() const { return server_->port(); }
  // Until run() returns.
  void join() { thread_.join(); }
  std::string log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  void wait_for_connections(size_t count) {
    while (server_->connections() != count) std::this_thread::yield();
  }

 private:
  std::mutex mutex_;
  std::string log_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

struct WireReply {
  int status = 0;  // 0: the connection was closed
  Fields headers;
  std::string body;
};

// One connection, byte by byte. Gives up with an exception when nothing comes for 20 s.
class Wire {
 public:
  explicit Wire(uint16_t port, int receive_buffer = 0)
      : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) {
      ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
    }
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() { ::close(descriptor_); }

  // False once the other end is closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }

  void finish_sending() { ::shutdown(descriptor_, SHUT_WR); }

  // Whether something to read, or the end, comes within the time.
  bool has_news(int milliseconds) const {
    pollfd poll{descriptor_, POLLIN, 0};
    return ::poll(&poll, 1, milliseconds) > 0;
  }

  // The next answer. With `expects_body` false, as to HEAD, what its length says is not waited for.
  WireReply receive(bool expects_body = true) {
    WireReply reply;
    size_t end = std::string::npos;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive_more()) return reply;
    }
    reply.headers = fields_of(buffer_.substr(0, end));
    reply.status = std::stoi(buffer_.substr(9, 3));
    buffer_.erase(0, end + 4);
    const auto* length = find(reply.headers, "content-length");
    const auto bytes = length != nullptr && expects_body ? std::stoul(*length) : 0;
    while (buffer_.size() < bytes && receive_more()) continue;
    reply.body = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return reply;
  }

  // Reads until that text is there; what was read since the last answer.
  std::string receive_until(std::string_view text) {
    while (buffer_.find(text) == std::string::npos && receive_more()) continue;
    return buffer_;
  }

  std::string receive_all() {
    while (receive_more()) continue;
    return std::move(buffer_);
  }

 private:
  static Fields fields_of(const std::string& head) {
    Fields fields;
    size_t begin = head.find("\r\n");
    while (begin != std::string::npos) {
      const auto end = head.find("\r\n", begin + 2);
      const auto line = head.substr(begin + 2, end == std::string::npos ? end : end - begin - 2);
      const auto colon = line.find(": ");
      fields.push_back({lower_case(line.substr(0, colon)), line.substr(colon + 2)});
      begin = end;
    }
    return fields;
  }

  bool receive_more() {
    if (!has_news(20'000)) throw std::runtime_error("nothing came for 20 s");
    char bytes[16 << 10];
    const auto count = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(count));
    return true;
  }

  int descriptor_;
  std::string buffer_;
};

}  // namespace http::test
