// SPDX-License-Identifier: Apache-2.0
#include "http/listener.h"

#include <charconv>
#include <cstring>
#include <filesystem>
#include <utility>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/text.h"

namespace http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Endpoint = asio::generic::stream_protocol::endpoint;

[[noreturn]] void refuse(base::Fault fault, const std::string& address, const std::string& why) {
  throw base::Error(fault, base::text("cannot listen on ", address, ": ", why));
}

void bind_and_listen(Acceptor& acceptor, const Endpoint& endpoint, const std::string& address) {
  boost::system::error_code error;
  acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error == asio::error::address_in_use) {
    refuse(base::Fault::conflict, address, "the address is in use");
  }
  if (error) refuse(base::Fault::invalid, address, error.message());
}

struct HostAndPort {
  std::string host;
  uint16_t port = 0;
};

// "[::1]:80" -> "::1", 80.
HostAndPort split(const std::string& address) {
  const auto colon = address.rfind(':');
  HostAndPort result{address.substr(0, colon)};
  bool is_number = false;
  if (colon != std::string::npos) {
    const auto* end = address.data() + address.size();
    const auto read = std::from_chars(address.data() + colon + 1, end, result.port);
    is_number = read.ec == std::errc() && read.ptr == end;
  }
  auto& host = result.host;
  if (!is_number || host.empty()) {
    refuse(base::Fault::invalid, address, "expected HOST:PORT or a path with a slash");
  }
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return result;
}

Listeners open_tcp(const std::string& address, const Strand& strand) {
  const auto [host, port] = split(address);
  boost::system::error_code error;
  tcp::resolver resolver(strand);
  const auto found = resolver.resolve(host, "", tcp::resolver::passive, error);
  if (error) refuse(base::Fault::invalid, address, error.message());
  Listeners listeners;
  for (const auto& entry : found) {
    auto endpoint = entry.endpoint();
    endpoint.port(port != 0 ? port : listeners.port);
    Acceptor acceptor(strand);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    bind_and_listen(acceptor, endpoint, address);
    listeners.is_local = listeners.is_local && endpoint.address().is_loopback();
    const auto bound = acceptor.local_endpoint();
    std::memcpy(endpoint.data(), bound.data(), bound.size());
    listeners.port = endpoint.port();
    listeners.acceptors.push_back(std::move(acceptor));
  }
  return listeners;
}

// A socket that nobody listens on any more is removed; whoever still does is told from it by
// connecting.
void remove_stale(const std::string& path, const Strand& strand) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) {
    refuse(base::Fault::conflict, path, "there is something else of that name");
  }
  boost::system::error_code error;
  asio::local::stream_protocol::socket probe(strand);
  probe.connect(asio::local::stream_protocol::endpoint(path), error);
  if (error != asio::error::connection_refused) {
    refuse(base::Fault::conflict, path, "another process listens there");
  }
  std::filesystem::remove(path);
}

Listeners open_unix(const std::string& path, const Strand& strand) {
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    refuse(base::Fault::invalid, path, "the path of a Unix socket has at most 107 bytes");
  }
  remove_stale(path, strand);
  const asio::local::stream_protocol::endpoint endpoint(path);
  Acceptor acceptor(strand);
  acceptor.open(endpoint.protocol());
  // Before bind(): the file is never there with other rights.
  ::fchmod(acceptor.native_handle(), S_IRUSR | S_IWUSR);
  bind_and_listen(acceptor, endpoint, path);
  Listeners listeners;
  listeners.acceptors.push_back(std::move(acceptor));
  return listeners;
}

}  // namespace

Listeners open_listeners(const std::string& address, const Strand& strand) {
  return address.find('/') == std::string::npos ? open_tcp(address, strand)
                                                : open_unix(address, strand);
}

size_t raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;  // what POSIX systems start with
  const rlimit most{limit.rlim_max, limit.rlim_max};
  if (::setrlimit(RLIMIT_NOFILE, &most) == 0) limit = most;
  return static_cast<size_t>(limit.rlim_cur);
}

}  // namespace http
