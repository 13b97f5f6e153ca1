// SPDX-License-Identifier: Apache-2.0
#include "tasks/postgres_database.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <thread>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>

#include "base/error.h"
#include "base/text.h"

namespace tasks {
namespace {

using base::Error;
using base::Fault;
using base::text;
using Kind = DatabaseError::Kind;

// A transaction that was in another's way is run again until it gets through or this often.
constexpr int kMaxTries = 10;
// How long to ask what became of a transaction, and the pause between two questions.
constexpr auto kMaxDoubt = std::chrono::seconds(15);
constexpr auto kDoubtPause = std::chrono::milliseconds(50);

// How long nobody tries to connect after that has failed.
constexpr int64_t kPauseAfterFailureMs = 1000;

// A server that hangs must not hold locks for others: every wait has its bound.
constexpr auto kSettings =
    "SET synchronous_commit = on;"
    "SET default_transaction_isolation = 'read committed';"
    "SET statement_timeout = '20s';"
    "SET lock_timeout = '5s';"
    "SET idle_in_transaction_session_timeout = '20s';"
    "SET client_min_messages = warning;";

constexpr auto kBegin =
    "BEGIN;"
    "SELECT pg_current_xact_id()::text,"
    "       (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text";

// The session that ran the transaction may not have noticed yet that its client is gone.
constexpr auto kEndSession = R"(
SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity WHERE backend_xid = :id::xid8::xid)";
constexpr auto kStatus = R"(
SELECT coalesce(pg_xact_status(:id::xid8), 'forgotten'))";

// SOCI takes its connect string apart at white space, and needs a "=" in it.
std::string with_defaults(std::string url) {
  const auto is_space = [](unsigned char character) { return std::isspace(character) != 0; };
  if (std::ranges::any_of(url, is_space)) {
    throw Error(Fault::invalid, "the database's URL has white space in it: write it as %20");
  }
  for (const std::string_view setting :
       {"connect_timeout=5", "tcp_user_timeout=15000", "application_name=zoetrope"}) {
    const auto name = setting.substr(0, setting.find('=') + 1);
    if (url.find(name) != std::string::npos) continue;
    url += url.find('?') == std::string::npos ? '?' : '&';
    url += setting;
  }
  return url;
}

PGconn* handle_of(Connection& connection) {
  return static_cast<soci::postgresql_session_backend*>(connection.session().get_backend())->conn_;
}

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Reply = std::unique_ptr<PGresult, ClearResult>;

// Runs statements without parameters. The reply to the last may have rows.
Reply execute(Connection& connection, const char* statements) {
  Reply reply(PQexec(handle_of(connection), statements));
  const auto status = PQresultStatus(reply.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return reply;
  const auto* code = PQresultErrorField(reply.get(), PG_DIAG_SQLSTATE);
  const bool is_lost = code == nullptr || PQstatus(handle_of(connection)) != CONNECTION_OK;
  throw DatabaseError(is_lost ? Kind::lost : kind_of_sqlstate(code),
                      PQerrorMessage(handle_of(connection)));
}

std::unique_ptr<Connection> connect_to(const std::string& url) {
  try {
    return std::make_unique<Connection>(Dialect::postgres,
                                        std::make_unique<soci::session>(soci::postgresql, url));
  } catch (const soci::soci_error& error) {
    throw DatabaseError(Kind::lost, error.get_error_message());
  }
}

void roll_back(ConnectionPool::Loan& connection) {
  try {
    execute(*connection, "ROLLBACK");
  } catch (const DatabaseError&) {
    connection.discard();
  }
}

}  // namespace

PostgresDatabase::PostgresDatabase(const std::string& url,
                                   int connections,
                                   base::Clock clock,
                                   TimeOf time_of)
    : url_(with_defaults(url)),
      clock_(std::move(clock)),
      time_of_(time_of),
      steady_offset_(clock_.wall() - clock_.steady()),
      pool_(connections, [this] { return connect(); }) {}

void PostgresDatabase::run_write(const WriteBody& body) {
  for (int tries = 1;; ++tries) {
    try {
      try_write(body);
      return;
    } catch (const DatabaseError& error) {
      // Other connections are lost as well when one is, so the second try makes a new one.
      if (error.kind() == Kind::lost) pool_.discard_idle();
      const int max_tries = error.kind() == Kind::contention ? kMaxTries
                            : error.kind() == Kind::lost     ? 2
                                                             : 1;
      if (tries >= max_tries) throw_error(error);
    }
  }
}

void PostgresDatabase::run_read(const ReadBody& body) {
  for (int tries = 1;; ++tries) {
    try {
      ConnectionPool::Loan connection(pool_);
      try {
        body(*connection);
        return;
      } catch (const DatabaseError&) {
        connection.discard();
        throw;
      }
    } catch (const DatabaseError& error) {
      if (error.kind() == Kind::lost) pool_.discard_idle();
      if (error.kind() != Kind::lost || tries == 2) throw_error(error);
    }
  }
}

std::unique_ptr<Connection> PostgresDatabase::connect() {
  // While one thread learns slowly that nobody answers, others need not queue up to learn the same.
  if (clock_.steady() < unreachable_until_) {
    throw DatabaseError(Kind::lost, "it could not be reached a moment ago");
  }
  try {
    auto connection = connect_to(url_);
    // Notices go to stderr otherwise.
    PQsetNoticeProcessor(
        handle_of(*connection), [](void*, const char*) {}, nullptr);
    // Longer messages quote the row.
    PQsetErrorVerbosity(handle_of(*connection), PQERRORS_TERSE);
    execute(*connection, kSettings);
    return connection;
  } catch (const DatabaseError&) {
    unreachable_until_ = clock_.steady() + kPauseAfterFailureMs;
    throw;
  }
}

void PostgresDatabase::try_write(const WriteBody& body) {
  ConnectionPool::Loan connection(pool_);
  std::string id;
  try {
    const auto begun = begin(*connection);
    id = begun.id;
    body(*connection, begun.now);
  } catch (...) {
    roll_back(connection);
    throw;
  }
  commit(connection, id);
}

PostgresDatabase::Begun PostgresDatabase::begin(Connection& sql) const {
  const auto reply = execute(sql, kBegin);
  if (time_of_ == TimeOf::server) {
    return {.id = PQgetvalue(reply.get(), 0, 0),
            .now = {.wall = clock_.wall(), .steady = clock_.steady() + steady_offset_}};
  }
  const int64_t time = std::stoll(PQgetvalue(reply.get(), 0, 1));
  return {.id = PQgetvalue(reply.get(), 0, 0), .now = {.wall = time, .steady = time}};
}

void PostgresDatabase::commit(ConnectionPool::Loan& connection, const std::string& id) {
  const Reply reply(PQexec(handle_of(*connection), "COMMIT"));
  if (std::string_view(PQcmdStatus(reply.get())) == "COMMIT") return;
  const std::string reason = PQerrorMessage(handle_of(*connection));
  if (!was_committed(connection, id)) throw DatabaseError(Kind::lost, reason);
}

bool PostgresDatabase::was_committed(ConnectionPool::Loan& connection, const std::string& id) {
  const auto give_up_at = std::chrono::steady_clock::now() + kMaxDoubt;
  do {
    try {
      connection.renew();
      connection->rows<std::string>(kEndSession, {{"id", id}});
      const auto [status] = connection->rows<std::string>(kStatus, {{"id", id}}).at(0);
      if (status == "committed") return true;
      if (status == "aborted") return false;
    } catch (const DatabaseError&) {
      // Not reachable yet.
    }
    std::this_thread::sleep_for(kDoubtPause);
  } while (std::chrono::steady_clock::now() < give_up_at);
  connection.discard();
  throw Error(
      Fault::upstream, "the database cannot be reached", "transaction " + id + " is in doubt");
}

}  // namespace tasks
