// SPDX-License-Identifier: Apache-2.0
// For tests: a server that answers with exactly the bytes it is told to, whole or not, and
// remembers what it was asked.
#pragma once

#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "http/field.h"
#include "http/range.h"

namespace hub::test {

struct Asked {
  std::string method;
  std::string target;  // path and query
  http::Fields headers;

  std::string header(const std::string& name) const {
    const auto* value = http::find(headers, name);
    return value == nullptr ? std::string() : *value;
  }
};

struct Answer {
  int status = 200;
  http::Fields headers;
  std::string body;
  size_t sent = std::string::npos;  // of the body, upon which the connection breaks
  bool stays = false;               // open, in place of breaking, until the client leaves
};

// Listens on a free port, from construction to destruction; every connection is for one request.
class Origin {
 public:
  using Handler = std::function<Answer(const Asked&)>;

  explicit Origin(Handler handler, const std::string& address = "127.0.0.1")
      : handler_(std::move(handler)), address_(address) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    ::inet_pton(AF_INET, address.c_str(), &own.sin_addr);
    socklen_t size = sizeof own;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&own), size) != 0 ||
        ::listen(listener_, 64) != 0) {
      throw std::runtime_error("cannot listen on " + address);
    }
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&own), &size);
    port_ = ntohs(own.sin_port);
    thread_ = std::thread([this] { accept_all(); });
  }
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;
  ~Origin() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (auto& connection : connections_) connection.join();
    ::close(listener_);
  }

  uint16_t port() const { return port_; }
  std::string site() const { return base::text("http://", address_, ':', port_); }
  std::string url(const std::string& target) const { return site() + target; }

  std::vector<Asked> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  // Requests whose target holds the text.
  size_t count(const std::string& part) {
    size_t count = 0;
    for (const auto& asked : this->asked()) count += asked.target.find(part) != std::string::npos;
    return count;
  }

 private:
  void accept_all() {
    for (int peer; (peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      connections_.emplace_back([this, peer] { serve(peer); });
    }
  }

  void serve(int peer) {
    const auto asked = read(peer);
    if (!asked.method.empty()) {
      {
        const std::lock_guard lock(mutex_);
        asked_.push_back(asked);
      }
      answer(peer, asked, handler_(asked));
    }
    ::shutdown(peer, SHUT_WR);
    ::close(peer);
  }

  static Asked read(int peer) {
    std::string head;
    char bytes[4096];
    while (head.find("\r\n\r\n") == std::string::npos) {
      const auto count = ::recv(peer, bytes, sizeof bytes, 0);
      if (count <= 0) return {};
      head.append(bytes, static_cast<size_t>(count));
    }
    Asked asked;
    asked.method = head.substr(0, head.find(' '));
    const auto target = head.find(' ') + 1;
    asked.target = head.substr(target, head.find(' ', target) - target);
    for (auto begin = head.find("\r\n") + 2; head.compare(begin, 2, "\r\n") != 0;) {
      const auto end = head.find("\r\n", begin);
      const auto line = head.substr(begin, end - begin);
      const auto colon = line.find(':');
      asked.headers.push_back({http::lower_case(line.substr(0, colon)),
                               std::string(http::trim(line.substr(colon + 1)))});
      begin = end + 2;
    }
    return asked;
  }

  static void answer(int peer, const Asked& asked, const Answer& answer) {
    std::string bytes = base::text("HTTP/1.1 ", answer.status, " x\r\nconnection: close\r\n");
    bool has_length = false;
    for (const auto& [name, value] : answer.headers) {
      bytes += base::text(name, ": ", value, "\r\n");
      has_length = has_length || name == "content-length" || name == "transfer-encoding";
    }
    if (!has_length) bytes += base::text("content-length: ", answer.body.size(), "\r\n");
    bytes += "\r\n";
    if (asked.method != "HEAD") bytes += answer.body.substr(0, answer.sent);
    for (std::string_view left = bytes; !left.empty();) {
      const auto count = ::send(peer, left.data(), left.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      left.remove_prefix(static_cast<size_t>(count));
    }
    if (!answer.stays) return;
    pollfd gone{peer, POLLRDHUP, 0};
    ::poll(&gone, 1, 20'000);
  }

  Handler handler_;
  std::string address_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<Asked> asked_;
  std::list<std::thread> connections_;
  std::thread thread_;
};

// The file as a well-behaved server sends it: ranges, If-Range, If-None-Match.
inline Answer file_answer(const Asked& asked,
                          const std::string& content,
                          const std::string& etag = "tag") {
  const auto part = http::select_part(asked.method, asked.headers, content.size(), etag);
  Answer answer{.status = part.status, .headers = {{"accept-ranges", "bytes"}}};
  if (!etag.empty()) answer.headers.push_back({"etag", '"' + etag + '"'});
  if (!part.content_range.empty()) answer.headers.push_back({"content-range", part.content_range});
  if (part.status == 200 || part.status == 206) {
    answer.body = content.substr(part.offset, part.length);
  }
  return answer;
}

// Bytes that differ from place to place.
inline std::string content_of(size_t bytes) {
  std::string content;
  while (content.size() < bytes) content += crypto::sha256_hex(std::to_string(content.size()));
  content.resize(bytes);
  return content;
}

}  // namespace hub::test
