// SPDX-License-Identifier: Apache-2.0
// The floor of an HTTP server on this machine: Boost.Beast, which answers every request with the
// same bytes and does nothing else.
//
//   bare_server THREADS BODY_BYTES     prints its port
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::use_awaitable;
using Socket = asio::ip::tcp::socket;

asio::awaitable<void> serve(Socket socket, const std::string& answer) {
  socket.set_option(asio::ip::tcp::no_delay(true));
  boost::beast::flat_buffer buffer;
  try {
    for (;;) {
      http::request<http::string_body> request;
      co_await http::async_read(socket, buffer, request, use_awaitable);
      co_await asio::async_write(socket, asio::buffer(answer), use_awaitable);
    }
  } catch (const boost::system::system_error&) {
    // The client has left.
  }
}

asio::awaitable<void> accept(asio::ip::tcp::acceptor& acceptor, const std::string& answer) {
  for (;;) {
    Socket socket(asio::make_strand(acceptor.get_executor()));
    co_await acceptor.async_accept(socket, use_awaitable);
    const auto executor = socket.get_executor();
    asio::co_spawn(executor, serve(std::move(socket), answer), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "bare_server THREADS BODY_BYTES\n");
    return 2;
  }
  const int thread_count = std::stoi(argv[1]);
  const std::string body(std::stoul(argv[2]), 'x');
  const auto answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
      "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  asio::io_context context(thread_count);
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), 0});
  asio::co_spawn(context, accept(acceptor, answer), asio::detached);
  std::printf("%d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  std::vector<std::jthread> threads;
  for (int i = 0; i < thread_count; ++i) threads.emplace_back([&] { context.run(); });
}
