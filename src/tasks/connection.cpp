// SPDX-License-Identifier: Apache-2.0
#include "tasks/connection.h"

#include <cerrno>

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

namespace tasks {
namespace {

using Kind = DatabaseError::Kind;

Kind kind_of(const soci::sqlite3_soci_error& error, soci::session& session) {
  const auto* backend = static_cast<soci::sqlite3_session_backend*>(session.get_backend());
  switch (error.result() & 0xff) {
    case SQLITE_FULL:
      return Kind::full;
    case SQLITE_IOERR:
      // Growing the shared memory of the log on a full disk is reported so.
      return sqlite_api::sqlite3_system_errno(backend->conn_) == ENOSPC ? Kind::full
                                                                        : Kind::damaged;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Kind::damaged;
    default:
      return Kind::other;
  }
}

Kind kind_of(const soci::postgresql_soci_error& error, soci::session& session) {
  const auto* backend = static_cast<soci::postgresql_session_backend*>(session.get_backend());
  if (PQstatus(backend->conn_) != CONNECTION_OK) return Kind::lost;
  return kind_of_sqlstate(error.sqlstate());
}

// SOCI adds the statement and its parameters to what(), among them secrets: only its own message is
// kept.
DatabaseError translate(const soci::soci_error& error, soci::session& session) {
  Kind kind = Kind::other;
  if (const auto* sqlite = dynamic_cast<const soci::sqlite3_soci_error*>(&error)) {
    kind = kind_of(*sqlite, session);
  } else if (const auto* postgres = dynamic_cast<const soci::postgresql_soci_error*>(&error)) {
    kind = kind_of(*postgres, session);
  }
  return {kind, error.get_error_message()};
}

std::string in_dialect(Dialect dialect, std::string sql) {
  if (dialect == Dialect::postgres) return sql;
  for (auto at = sql.find("FOR UPDATE"); at != std::string::npos; at = sql.find("FOR UPDATE")) {
    sql.erase(at, sql.find_first_of("\n)", at) - at);
  }
  return sql;
}

}  // namespace

Kind kind_of_sqlstate(std::string_view code) {
  if (code == "53100") return Kind::full;
  // Serialisation failure, deadlock, lock timeout.
  if (code == "40001" || code == "40P01" || code == "55P03") return Kind::contention;
  // The server ends the session, shuts down or is not up yet.
  if (code.starts_with("57P") || code.starts_with("08") || code == "25P03") return Kind::lost;
  return Kind::other;
}

Connection::Connection(Dialect dialect, std::unique_ptr<soci::session> session)
    : dialect_(dialect), session_(std::move(session)) {}

Connection::~Connection() = default;

soci::statement& Connection::prepared(const std::string& sql) {
  auto& statement = statements_[sql];
  if (!statement) {
    auto fresh = std::make_unique<soci::statement>(*session_);
    fresh->alloc();
    fresh->prepare(in_dialect(dialect_, sql));
    statement = std::move(fresh);
  }
  return *statement;
}

template <typename Use>
void Connection::with_statement(const std::string& sql, Parameters parameters, const Use& use) {
  try {
    auto& statement = prepared(sql);
    for (const auto& parameter : parameters) {
      std::visit(
          [&](const auto& value) {
            statement.exchange(soci::use(value, std::string(parameter.name)));
          },
          parameter.value);
    }
    use(statement);
    statement.bind_clean_up();
  } catch (const soci::soci_error& error) {
    auto translated = translate(error, *session_);
    statements_.erase(sql);
    throw translated;
  } catch (...) {
    statements_.erase(sql);
    throw;
  }
}

int64_t Connection::run(const std::string& sql, Parameters parameters) {
  int64_t changed = 0;
  with_statement(sql, parameters, [&](soci::statement& statement) {
    statement.define_and_bind();
    statement.execute(true);
    changed = statement.get_affected_rows();
  });
  return changed;
}

void Connection::each_row(const std::string& sql,
                          Parameters parameters,
                          std::span<const Target> targets,
                          const std::function<void()>& take) {
  with_statement(sql, parameters, [&](soci::statement& statement) {
    for (const auto& target : targets) {
      std::visit([&](auto* column) { statement.exchange(soci::into(*column)); }, target);
    }
    statement.define_and_bind();
    // To the last row: a statement of SQLite that is left half read keeps its snapshot.
    for (bool has_row = statement.execute(true); has_row; has_row = statement.fetch()) take();
  });
}

}  // namespace tasks
