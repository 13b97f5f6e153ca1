// SPDX-License-Identifier: Apache-2.0
// The socket of one connection with its time limits. Private to this room, as it brings in Asio.
#pragma once

#include <atomic>
#include <functional>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include "http/deadlines.h"
#include "http/server.h"

namespace http {

using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;
using Socket = boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, Strand>;

// What all connections of a server share.
struct Shared {
  Service service;
  ServerOptions options;
  Deadlines deadlines;
  std::atomic<bool> is_draining = false;
  std::atomic<uint64_t> body_memory = 0;  // bytes of bodies that are held in memory

  int64_t now() const { return options.clock.steady(); }
  void log(const std::string& line) const {
    if (options.log) options.log(line);
  }
};

class Stream {
 public:
  Stream(Socket socket, Shared& shared);

  // At least one byte, or 0: the client is gone or the deadline is over.
  boost::asio::awaitable<size_t> read_some(char* to, size_t bytes);

  // All of both, or false. Sets the deadline itself, as does send_file().
  boost::asio::awaitable<bool> write(std::string_view first, std::string_view second = {});
  boost::asio::awaitable<bool> send_file(int file, uint64_t offset, uint64_t length);

  // Says that nothing more follows and waits for the client to say the same, so that it can read
  // the last answer: closing with bytes unread would reset the connection and throw that answer
  // away.
  boost::asio::awaitable<void> linger();

  // Whether the client has closed its side, as far as one can know without reading.
  bool has_left();

  // The address at the other end; "unix", or empty where there is none any more.
  std::string peer() const;

  Deadline& deadline() { return deadline_; }

 private:
  Socket socket_;
  Shared& shared_;
  Deadline deadline_;
};

}  // namespace http
