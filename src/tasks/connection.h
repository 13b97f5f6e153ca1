// SPDX-License-Identifier: Apache-2.0
// SQL on one connection: named parameters in, typed rows out, every statement prepared once.
//
// The SQL of this room is written for PostgreSQL. SQLite understands it all but the row locks,
// which its one writer does not need: FOR UPDATE and what follows it on the line is left out there.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace soci {
class session;
class statement;
}  // namespace soci

namespace tasks {

enum class Dialect { sqlite, postgres };

// What a database refuses, sorted by what can be done about it. The text names neither values nor
// secrets, but is for the log all the same. Does not leave the room: database.h makes it an Error.
class DatabaseError : public std::runtime_error {
 public:
  enum class Kind {
    full,        // no room on the disk
    contention,  // another transaction was in the way: run this one again
    lost,        // the connection is gone
    damaged,     // reading or writing failed: nothing more may be trusted to this file
    other
  };

  DatabaseError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}

  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

// What an error code of PostgreSQL stands for.
DatabaseError::Kind kind_of_sqlstate(std::string_view code);

struct Parameter {
  Parameter(const char* its_name, int64_t number) : name(its_name), value(number) {}
  Parameter(const char* its_name, std::string text) : name(its_name), value(std::move(text)) {}

  const char* name;
  std::variant<int64_t, std::string> value;
};
using Parameters = std::span<const Parameter>;

class Connection {
 public:
  Connection(Dialect dialect, std::unique_ptr<soci::session> session);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  Dialect dialect() const { return dialect_; }
  soci::session& session() { return *session_; }

  // Runs a statement without result and returns how many rows it changed.
  int64_t run(const std::string& sql, Parameters parameters = {});
  int64_t run(const std::string& sql, std::initializer_list<Parameter> parameters) {
    return run(sql, Parameters(parameters));
  }

  // All rows of the result; a column is an int64_t or a std::string and never NULL.
  template <typename... Columns>
  std::vector<std::tuple<Columns...>> rows(const std::string& sql, Parameters parameters = {}) {
    std::vector<std::tuple<Columns...>> all;
    std::tuple<Columns...> row;
    const auto targets =
        std::apply([](auto&... column) { return std::vector<Target>{&column...}; }, row);
    each_row(sql, parameters, targets, [&] { all.push_back(row); });
    return all;
  }
  template <typename... Columns>
  std::vector<std::tuple<Columns...>> rows(const std::string& sql,
                                           std::initializer_list<Parameter> parameters) {
    return rows<Columns...>(sql, Parameters(parameters));
  }

  // Where a column of the present row lands.
  using Target = std::variant<int64_t*, std::string*>;

  // The same for rows that land in variables of the caller: `take` is called after each.
  void each_row(const std::string& sql,
                Parameters parameters,
                std::span<const Target> targets,
                const std::function<void()>& take);

 private:
  soci::statement& prepared(const std::string& sql);
  // Binds, executes and, after an error, forgets the statement.
  template <typename Use>
  void with_statement(const std::string& sql, Parameters parameters, const Use& use);

  Dialect dialect_;
  std::unique_ptr<soci::session> session_;
  std::unordered_map<std::string, std::unique_ptr<soci::statement>> statements_;
};

}  // namespace tasks
