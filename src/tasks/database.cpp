// SPDX-License-Identifier: Apache-2.0
#include "tasks/database.h"

#include "base/error.h"
#include "tasks/task.h"

namespace tasks {

void throw_error(const DatabaseError& error) {
  using base::Error;
  using base::Fault;
  switch (error.kind()) {
    case DatabaseError::Kind::full:
      throw LimitReached(LimitReached::Limit::disk, "the server's disk is full");
    case DatabaseError::Kind::lost:
      throw Error(Fault::upstream, "the database cannot be reached", error.what());
    case DatabaseError::Kind::contention:
      throw Error(Fault::upstream, "the database is too busy", error.what());
    default:
      throw Error(Fault::internal, "internal error", error.what());
  }
}

}  // namespace tasks
