// SPDX-License-Identifier: Apache-2.0
#include "http/stream.h"

#include <algorithm>
#include <array>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

#include "http/address.h"

namespace http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr size_t kDiscardBytes = 16 << 10;
constexpr int64_t kQuietLingerMs = 5'000;
constexpr uint64_t kFilePiece = 1 << 20;

}  // namespace

Stream::Stream(Socket socket, Shared& shared)
    : socket_(std::move(socket)),
      shared_(shared),
      deadline_(shared.deadlines, socket_.native_handle()) {
  error_code ignored;
  socket_.native_non_blocking(true, ignored);
  const int yes = 1;  // fails harmlessly for a Unix socket
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

asio::awaitable<size_t> Stream::read_some(char* to, size_t bytes) {
  error_code error;
  const auto count = co_await socket_.async_read_some(
      asio::buffer(to, bytes), asio::redirect_error(asio::use_awaitable, error));
  co_return error ? 0 : count;
}

asio::awaitable<bool> Stream::write(std::string_view first, std::string_view second) {
  const auto stall = shared_.options.limits.stall_time.count();
  while (!first.empty() || !second.empty()) {
    deadline_.set(Deadline::sending, shared_.now() + stall);
    const std::array buffers = {asio::buffer(first), asio::buffer(second)};
    error_code error;
    const auto count = co_await socket_.async_write_some(
        buffers, asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return false;
    const auto of_first = std::min(count, first.size());
    first.remove_prefix(of_first);
    second.remove_prefix(count - of_first);
  }
  co_return true;
}

asio::awaitable<bool> Stream::send_file(int file, uint64_t offset, uint64_t length) {
  const auto stall = shared_.options.limits.stall_time.count();
  auto position = static_cast<off_t>(offset);
  while (length > 0) {
    deadline_.set(Deadline::sending, shared_.now() + stall);
    // Waits before every piece, so that one fast reader does not keep the thread to itself.
    error_code error;
    co_await socket_.async_wait(Socket::wait_write,
                                asio::redirect_error(asio::use_awaitable, error));
    if (error || deadline_.was_cut()) co_return false;
    const auto count = ::sendfile(socket_.native_handle(),
                                  file,
                                  &position,
                                  static_cast<size_t>(std::min(length, kFilePiece)));
    if (count == 0) co_return false;  // the file is shorter than it was
    if (count < 0 && errno != EAGAIN && errno != EINTR) co_return false;
    if (count > 0) length -= static_cast<uint64_t>(count);
  }
  co_return true;
}

asio::awaitable<void> Stream::linger() {
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  const auto last = shared_.now() + shared_.options.limits.linger_time.count();
  std::vector<char> unwanted(kDiscardBytes);
  for (;;) {
    deadline_.set(Deadline::receiving, std::min(last, shared_.now() + kQuietLingerMs));
    const auto count = co_await read_some(unwanted.data(), unwanted.size());
    if (count == 0 || deadline_.was_cut()) co_return;
  }
}

bool Stream::has_left() {
  char byte = 0;
  const auto count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
}

std::string Stream::peer() const {
  error_code error;
  const auto endpoint = socket_.remote_endpoint(error);
  if (error) return {};
  const auto* address = reinterpret_cast<const sockaddr*>(endpoint.data());
  if (address->sa_family == AF_UNIX) return "unix";
  return to_text(unmapped(*address_of(address)));
}

}  // namespace http
