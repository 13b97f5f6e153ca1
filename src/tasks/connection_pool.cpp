// SPDX-License-Identifier: Apache-2.0
#include "tasks/connection_pool.h"

namespace tasks {

ConnectionPool::ConnectionPool(int size, Connect connect)
    : connect_(std::move(connect)), left_(size) {}

void ConnectionPool::discard_idle() {
  std::vector<std::unique_ptr<Connection>> idle;
  const std::scoped_lock lock(mutex_);
  idle.swap(idle_);
}

std::unique_ptr<Connection> ConnectionPool::take() {
  {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [&] { return left_ > 0; });
    --left_;
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  try {
    return connect_();
  } catch (...) {
    give_back(nullptr);
    throw;
  }
}

void ConnectionPool::give_back(std::unique_ptr<Connection> connection) {
  const std::scoped_lock lock(mutex_);
  ++left_;
  if (connection) idle_.push_back(std::move(connection));
  returned_.notify_one();
}

}  // namespace tasks
