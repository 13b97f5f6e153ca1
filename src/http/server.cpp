// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <algorithm>
#include <csignal>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.h"
#include "base/text.h"
#include "http/connection.h"
#include "http/listener.h"

namespace http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Files that are not connections: the database, what is being sent and received, libraries' own.
constexpr size_t kReservedFiles = 256;
// So many more connections are told that there are too many; beyond that they are closed unheard.
constexpr size_t kTurnedAway = 64;
constexpr std::chrono::milliseconds kAcceptPause{10};

// Every fourth connection may have a file of its own open: what it sends, or a body that it brings.
size_t affordable_connections(size_t files) {
  return files > 2 * kReservedFiles ? (files - kReservedFiles) * 4 / 5 : kReservedFiles / 2;
}

}  // namespace

struct Server::State {
  Shared shared;
  size_t most_connections;
  uint16_t port = 0;
  bool is_local = true;
  std::vector<std::string> unix_sockets;
  // The last members, so that coroutines which still wait are destroyed before what they refer to.
  asio::io_context context;
  Strand strand{asio::make_strand(context)};  // for the acceptors
  std::vector<Acceptor> acceptors;

  State(Service service, ServerOptions options)
      : shared{std::move(service), std::move(options), {}, false},
        most_connections(shared.options.limits.connections),
        context(shared.options.threads) {}

  asio::awaitable<void> accept(Acceptor& acceptor);
  asio::awaitable<void> sweep();
  void admit(Socket socket);
  void run_thread();
};

asio::awaitable<void> Server::State::accept(Acceptor& acceptor) {
  bool has_complained = false;
  while (acceptor.is_open()) {
    std::string problem;
    try {
      Socket socket(asio::make_strand(context));
      co_await acceptor.async_accept(socket, asio::use_awaitable);
      admit(std::move(socket));
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (!acceptor.is_open()) break;
    // No files or no memory left: connections that end will give some back.
    if (!problem.empty() && !has_complained) shared.log("cannot accept a connection: " + problem);
    has_complained = !problem.empty();
    if (problem.empty()) continue;
    error_code ignored;
    asio::steady_timer pause(strand, kAcceptPause);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

void Server::State::admit(Socket socket) {
  const auto open = shared.deadlines.size();
  if (open >= most_connections + kTurnedAway) return;
  const auto admission = open < most_connections ? Admission::served : Admission::turned_away;
  const auto executor = socket.get_executor();
  auto connection = std::make_unique<Connection>(std::move(socket), shared, admission);
  asio::co_spawn(executor, Connection::run(std::move(connection)), asio::detached);
}

asio::awaitable<void> Server::State::sweep() {
  asio::steady_timer timer(context);
  while (!shared.is_draining || shared.deadlines.size() > 0) {
    error_code error;
    timer.expires_after(shared.options.limits.sweep_time);
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    shared.deadlines.sweep(shared.now());
  }
}

void Server::State::run_thread() {
  for (;;) {
    try {
      context.run();
      return;
    } catch (...) {
      const auto error = base::current_error();
      shared.log(base::text("a connection failed: ", error.what(), ": ", error.detail()));
    }
  }
}

Server::Server(Service service, ServerOptions options)
    : state_(std::make_unique<State>(std::move(service), std::move(options))) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto files = raise_file_limit();
  const auto affordable = affordable_connections(files);
  if (affordable >= state_->most_connections) return;
  state_->shared.log(base::text("at most ",
                                affordable,
                                " connections instead of ",
                                state_->most_connections,
                                ": this process may open ",
                                files,
                                " files"));
  state_->most_connections = affordable;
}

Server::~Server() {
  for (const auto& path : state_->unix_sockets) ::unlink(path.c_str());
}

void Server::listen(const std::string& address) {
  auto opened = open_listeners(address, state_->strand);
  if (opened.port == 0) state_->unix_sockets.push_back(address);
  if (state_->port == 0) state_->port = opened.port;
  state_->is_local = state_->is_local && opened.is_local;
  std::ranges::move(opened.acceptors, std::back_inserter(state_->acceptors));
}

uint16_t Server::port() const {
  return state_->port;
}

bool Server::is_local() const {
  return state_->is_local;
}

void Server::run() {
  for (auto& acceptor : state_->acceptors) {
    asio::co_spawn(state_->strand, state_->accept(acceptor), asio::detached);
  }
  asio::co_spawn(state_->context, state_->sweep(), asio::detached);
  std::vector<std::jthread> threads;
  for (int i = 1; i < state_->shared.options.threads; ++i) {
    threads.emplace_back([this] { state_->run_thread(); });
  }
  state_->run_thread();
}

void Server::drain() {
  asio::post(state_->strand, [state = state_.get()] {
    for (auto& acceptor : state->acceptors) {
      error_code ignored;
      acceptor.close(ignored);
    }
    state->shared.is_draining = true;
    state->shared.deadlines.cut_idle();
  });
}

void Server::stop() {
  state_->shared.deadlines.cut_all();
  state_->context.stop();
}

size_t Server::connections() const {
  return state_->shared.deadlines.size();
}

size_t Server::most_connections() const {
  return state_->most_connections;
}

}  // namespace http
