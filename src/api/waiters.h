// SPDX-License-Identifier: Apache-2.0
// Coroutines that wait until something happens to a task or to the queue, without polling.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

namespace api {

class Waiter;

// The board on which it is written that something happened. Safe to use from several threads.
class Waiters {
 public:
  // Something happened to `key`: wakes everybody who waits for it.
  void notify(const std::string& key);

  // Wakes everybody, for good: from now on nobody waits.
  void close();

 private:
  friend class Waiter;
  // Touched on its timer's executor alone, but for its place on the board.
  struct Place {
    explicit Place(const boost::asio::any_io_executor& executor) : timer(executor) {}
    boost::asio::steady_timer timer;
    bool happened = false;
  };
  using Places = std::unordered_multimap<std::string, std::shared_ptr<Place>>;
  static void wake(const std::shared_ptr<Place>& place);

  std::mutex mutex_;
  Places places_;
  bool is_closed_ = false;
};

// One who waits. What happens from its making on is never missed, so that the order is: make it,
// look, wait, look again. Used by one coroutine, whose executor runs one thing at a time.
class Waiter {
 public:
  Waiter(Waiters& board, const std::string& key, const boost::asio::any_io_executor& executor);
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter();

  // Returns at once if something happened since it was made or since the last wait, else when it
  // does or when `patience` is over. True for the former two.
  boost::asio::awaitable<bool> wait(std::chrono::milliseconds patience);

 private:
  Waiters& board_;
  std::shared_ptr<Waiters::Place> place_;
  Waiters::Places::iterator at_;
};

}  // namespace api
