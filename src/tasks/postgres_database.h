// SPDX-License-Identifier: Apache-2.0
// PostgreSQL, for several servers. What one of them holds is guarded by row locks; deadlines follow
// the database's clock.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "tasks/connection_pool.h"
#include "tasks/database.h"

namespace tasks {

class PostgresDatabase : public Database {
 public:
  // `url` is libpq's "postgres://…". With a clock, time is that one's and not the database's.
  // Throws Error(upstream) when it cannot be reached.
  PostgresDatabase(const std::string& url, int connections, std::optional<base::Clock> clock);

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

  void try_write(const WriteBody& body);
  Begun begin(Connection& sql) const;
  void commit(ConnectionPool::Loan& connection, const std::string& id);
  static bool was_committed(ConnectionPool::Loan& connection, const std::string& id);

  std::optional<base::Clock> clock_;
  int64_t steady_offset_ = 0;
  ConnectionPool pool_;
};

}  // namespace tasks
