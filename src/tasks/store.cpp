// SPDX-License-Identifier: Apache-2.0
#include "tasks/store.h"

#include "base/error.h"
#include "tasks/delivery_sql.h"
#include "tasks/key_cache.h"
#include "tasks/postgres_database.h"
#include "tasks/queue_sql.h"
#include "tasks/schema.h"
#include "tasks/sqlite_database.h"
#include "tasks/transitions.h"

namespace tasks {
namespace {

using base::Error;
using base::Fault;

constexpr std::string_view kSqlite = "sqlite:";

std::unique_ptr<Database> open_database(const std::string& url,
                                        const base::Clock& clock,
                                        const StoreOptions& options) {
  if (url.starts_with(kSqlite)) {
    return std::make_unique<SqliteDatabase>(
        SqliteOptions{.file = url.substr(kSqlite.size()),
                      .readers = options.connections,
                      .ballast_bytes = options.ballast_bytes,
                      .disk_floor_bytes = options.disk_floor_bytes},
        clock);
  }
  if (url.starts_with("postgres://") || url.starts_with("postgresql://")) {
    return std::make_unique<PostgresDatabase>(url,
                                              options.connections,
                                              clock,
                                              options.use_clock_of_database
                                                  ? PostgresDatabase::TimeOf::database
                                                  : PostgresDatabase::TimeOf::server);
  }
  // Without the URL, which may hold a password.
  throw Error(Fault::invalid, "the database's URL is neither sqlite:PATH nor postgres://…");
}

// The deadlines of an earlier run are of another clock: every lease begins anew, every delivery
// that was being sent is due.
void restart_clocks(Database& database, int64_t lease_ms) {
  database.run_write([&](Connection& sql, Now now) {
    sql.run(sql::kRenewLeases, {{"deadline", now.steady + lease_ms}});
    sql.run(sql::kForgetDelays);
    sql.run(sql::kEndDeliveryLeases, {{"steady", now.steady}});
  });
}

}  // namespace

std::unique_ptr<Store> Store::open(const std::string& url,
                                   base::Clock clock,
                                   StoreOptions options) {
  auto database = open_database(url, clock, options);
  migrate(*database);
  if (url.starts_with(kSqlite)) restart_clocks(*database, options.lease_ms);
  return std::unique_ptr<Store>(
      new Store(std::move(database), std::move(clock), std::move(options)));
}

Store::Store(std::unique_ptr<Database> database, base::Clock clock, StoreOptions options)
    : clock_(std::move(clock)),
      options_(std::move(options)),
      database_(std::move(database)),
      keys_(std::make_unique<KeyCache>(clock_)),
      turn_(database_->read([](Connection& sql) {
        return std::get<0>(sql.rows<int64_t>(sql::kLatestTurn).at(0));
      })) {}

Store::~Store() = default;

void Store::tell(Change::Kind kind, const std::string& task) const {
  if (options_.on_change) options_.on_change({.kind = kind, .task = task, .ending = {}});
}

// A task ended or went back: it has news, a webhook may be due, and its lane has room.
void Store::tell_end(const std::string& task, const Outcome& outcome) const {
  if (options_.on_change) {
    options_.on_change({.kind = Change::Kind::task, .task = task, .ending = outcome.ending});
  }
  tell(Change::Kind::delivery, task);
  tell(Change::Kind::queue, task);
}

}  // namespace tasks
