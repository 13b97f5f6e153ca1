// SPDX-License-Identifier: Apache-2.0
// Transactions on SQLite or PostgreSQL: what the store builds on. Thread-safe; every call blocks
// until it is done.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>

#include "tasks/connection.h"

namespace tasks {

// The two clocks of a transaction, in milliseconds since 1970.
struct Now {
  int64_t wall = 0;    // for people
  int64_t steady = 0;  // for deadlines: never jumps while the store is open
};

// What the callers of the store get to see of it: Error(exhausted), (upstream) or (internal).
[[noreturn]] void throw_error(const DatabaseError& error);

class Database {
 public:
  using WriteBody = std::function<void(Connection&, Now)>;
  using ReadBody = std::function<void(Connection&)>;

  Database() = default;
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  virtual ~Database() = default;

  // Runs `body` in a transaction and returns when that is durable. What the body throws undoes its
  // changes and comes out here. The body may run more than once, on any thread, and must leave
  // nothing behind but its changes and its result. A DatabaseError comes out as throw_error() says.
  virtual void run_write(const WriteBody& body) = 0;

  // Runs `body`, which must not write, on what is committed at that moment.
  virtual void run_read(const ReadBody& body) = 0;

  // Throws LimitReached(disk) when there is too little room to take in anything new.
  virtual void check_room() = 0;

  // Work for quiet moments; call it every few seconds.
  virtual void tidy() = 0;

  // Reads the whole database and returns what is wrong with it, or nothing. Takes seconds per GB.
  virtual std::string check() = 0;

  // True once reading or writing the disk has failed: the process should end and start again.
  virtual bool has_failed() const = 0;

  // Both for bodies with a result.
  template <typename Body>
  auto write(const Body& body) {
    std::optional<std::invoke_result_t<Body, Connection&, Now>> result;
    run_write([&](Connection& sql, Now now) { result.emplace(body(sql, now)); });
    return std::move(*result);
  }
  template <typename Body>
  auto read(const Body& body) {
    std::optional<std::invoke_result_t<Body, Connection&>> result;
    run_read([&](Connection& sql) { result.emplace(body(sql)); });
    return std::move(*result);
  }
};

}  // namespace tasks
