// SPDX-License-Identifier: Apache-2.0
// The HTTP/1.1 server. Safe to face the Internet without a proxy before it: every size, count and
// time is bounded, and guard.h is what reads requests.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "http/guard.h"
#include "http/message.h"

namespace http {

struct Limits {
  using Milliseconds = std::chrono::milliseconds;

  size_t connections = 20'000;  // fewer where the limit of open files asks for it
  HeadLimits head;
  Milliseconds head_time{10'000};    // for a whole head, from its first byte on
  Milliseconds idle_time{75'000};    // between requests
  Milliseconds memory_time{60'000};  // for a whole body that goes to memory
  uint64_t body_memory = 256 << 20;  // of all such bodies together; small ones come in beyond it
  Milliseconds stall_time{
      60'000};  // without a byte of a body, or of an answer that the client takes
  Milliseconds linger_time{30'000};  // for the client to notice that a connection is being closed
  // A body, once `body_grace` is over, comes at this many bytes per second on average.
  uint64_t body_rate = 64'000;
  Milliseconds body_grace{10'000};
  Milliseconds ping_time{15'000};  // between signs of life of an event stream
  Milliseconds sweep_time{250};    // between looks at the limits above, by which they may be late
};

struct ServerOptions {
  int threads = 8;  // that run the service, which may block them
  Limits limits;
  base::Clock clock = base::system_clock();
  // Is told, from any thread, what an operator should know. No request's content is in it.
  std::function<void(const std::string& line)> log;
};

class Server {
 public:
  // Asks the system for as many open files as this process may have, and ignores SIGPIPE, which
  // sendfile() raises when a client leaves.
  Server(Service service, ServerOptions options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // Binds "127.0.0.1:8000", "[::1]:8000", "localhost:0" (all its addresses, on one port) or, where
  // there is a slash in it, a Unix socket that only this user may connect to. May be called several
  // times, before run(). Throws Error(invalid) for what is no address and Error(conflict) where it
  // is in use; a socket that a dead server left behind is replaced.
  void listen(const std::string& address);

  // Of the first TCP address that was bound; 0: there is none.
  uint16_t port() const;

  // Whether nobody but this machine can connect.
  bool is_local() const;

  // Serves until drain() or stop() has come to its end.
  void run();

  // Takes no more connections, closes those that wait for a request, and lets the others finish
  // what they are at. Returns at once; from any thread, before or during run(). Event streams end
  // at their next ping.
  void drain();

  // Cuts every connection. Handlers that wait are destroyed where they wait, with the server.
  void stop();

  size_t connections() const;

  // The number of connections that are served at once: the limit, or what the files allow.
  size_t most_connections() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace http
