// SPDX-License-Identifier: Apache-2.0
// Binding a server's addresses. Private to this room, as it brings in Asio.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "http/stream.h"

namespace http {

using Acceptor = boost::asio::basic_socket_acceptor<boost::asio::generic::stream_protocol, Strand>;

// What one address of Server::listen() comes to.
struct Listeners {
  std::vector<Acceptor> acceptors;
  uint16_t port = 0;  // 0: a Unix socket
  bool is_local = true;
};

// The contract is that of Server::listen().
Listeners open_listeners(const std::string& address, const Strand& strand);

// The most files this process may have open, after asking for as many as it may ask for.
size_t raise_file_limit();

}  // namespace http
