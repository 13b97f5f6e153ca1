// SPDX-License-Identifier: Apache-2.0
// From state to state, inside of a transaction: here the task's row, its lane, its events and, at
// the end, the ledger and the outbox move together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tasks/database.h"
#include "tasks/retry.h"
#include "tasks/task.h"

namespace tasks {

// Tells those who follow the task; `data` is JSON.
void add_event(Connection& sql,
               Now now,
               int64_t number,
               int64_t sequence,
               std::string_view name,
               const std::string& data = "{}");

// A task's row, locked until the transaction ends.
struct Held {
  int64_t number = 0;
  std::string id;
  std::string tenant;
  std::string key_id;
  std::string endpoint;
  int64_t price_mills = 0;
  std::string webhook_url;
  State state = State::created;
  int64_t attempt = 0;
  Failures failures;
  CancelRequested cancel_requested = CancelRequested::no;
  int64_t lease_deadline = 0;
  int64_t sequence = 0;  // of the latest event
  int64_t created_at = 0;
};

// What a transition led to.
struct Outcome {
  State state = State::created;
  std::optional<Ending> ending;  // where the state is final now
};

// Nothing when the lease is lost.
std::optional<Held> find_by_lease(Connection& sql, const Lease& lease);
// Throws Error(conflict) then.
Held hold_by_lease(Connection& sql, const Lease& lease);

// Nothing when the tenant has no such task.
std::optional<Held> hold_by_tenant(Connection& sql,
                                   const std::string& tenant,
                                   const std::string& id);

// Where a key's tasks for one set of weights wait.
struct Lane {
  std::string key_id, tenant, weights;
};

struct Claimant {
  std::string worker;
  int64_t lease_ms = 0;
  int64_t turn = 0;  // greater than that of every earlier claim
};

// created → processing, for the first task of a lane that is locked; nothing where none is left.
std::optional<Claim> take(Connection& sql, Now now, const Lane& lane, const Claimant& claimant);

// processing → completed: outputs, charge, webhook.
Outcome complete(Connection& sql, Now now, const Held& task, const Result& result);

// processing → created. `reason` is told to those who follow the task.
Outcome requeue(
    Connection& sql, Now now, const Held& task, const Verdict& verdict, std::string_view reason);

// What the failure says: created or processing → failed, or processing → created.
Outcome settle(Connection& sql, Now now, const Held& task, const Failure& failure);

}  // namespace tasks
