// SPDX-License-Identifier: Apache-2.0
// PostgreSQL, for several servers. What one of them holds is guarded by row locks; deadlines follow
// the database's clock.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/clock.h"
#include "tasks/connection_pool.h"
#include "tasks/database.h"

namespace tasks {

class PostgresDatabase : public Database {
 public:
  // Whose time the transactions go by.
  enum class TimeOf { database, server };

  // `url` is libpq's "postgres://…".
  PostgresDatabase(const std::string& url, int connections, base::Clock clock, TimeOf time_of);

  // When the connection is lost while a commit is under way, the database is asked what became of
  // the transaction; what was not committed is run again.
  void run_write(const WriteBody& body) override;
  void run_read(const ReadBody& body) override;
  void check_room() override {}
  void tidy() override {}
  std::string check() override { return {}; }
  bool has_failed() const override { return false; }

 private:
  // A transaction on the server: enough to learn later what became of it.
  struct Begun {
    std::string id;
    Now now;
  };

  std::unique_ptr<Connection> connect();
  void try_write(const WriteBody& body);
  Begun begin(Connection& sql) const;
  void commit(ConnectionPool::Loan& connection, const std::string& id);
  static bool was_committed(ConnectionPool::Loan& connection, const std::string& id);

  std::string url_;
  base::Clock clock_;
  TimeOf time_of_;
  int64_t steady_offset_;
  std::atomic<int64_t> unreachable_until_ = 0;  // by the server's steady clock
  ConnectionPool pool_;
};

}  // namespace tasks
