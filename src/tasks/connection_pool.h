// SPDX-License-Identifier: Apache-2.0
// A bounded number of connections, made when first needed and lent to one thread at a time.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "tasks/connection.h"

namespace tasks {

class ConnectionPool {
 public:
  using Connect = std::function<std::unique_ptr<Connection>()>;

  ConnectionPool(int size, Connect connect);

  // Closes those that are not lent.
  void discard_idle();

  // A connection for the life of the loan, which ends by giving it back.
  class Loan {
   public:
    explicit Loan(ConnectionPool& pool) : pool_(pool), connection_(pool.take()) {}
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() { pool_.give_back(std::move(connection_)); }

    Connection& operator*() { return *connection_; }
    Connection* operator->() { return connection_.get(); }
    // Closes the connection: the pool makes another when it needs one.
    void discard() { connection_.reset(); }
    // Closes the connection and makes another in its place.
    void renew() {
      discard();
      connection_ = pool_.connect_();
    }

   private:
    ConnectionPool& pool_;
    std::unique_ptr<Connection> connection_;
  };

 private:
  std::unique_ptr<Connection> take();
  void give_back(std::unique_ptr<Connection> connection);

  Connect connect_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Connection>> idle_;
  int left_;  // how many more may be lent or made
};

}  // namespace tasks
