// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/text.h"
#include "tasks/database.h"
#include "tasks/queue_sql.h"
#include "tasks/store.h"
#include "tasks/transitions.h"

namespace tasks {
namespace {

using base::Error;
using base::Fault;
using base::text;

// The lanes that have something for the worker, in the order of their turns.
std::vector<Lane> candidates(Connection& sql, Now now, const std::vector<std::string>& weights) {
  std::vector<std::string> names;
  std::vector<Parameter> parameters = {{"steady", now.steady}};
  for (size_t i = 0; i < weights.size(); ++i) names.push_back(text("w", i));
  for (size_t i = 0; i < weights.size(); ++i) parameters.emplace_back(names[i].c_str(), weights[i]);
  std::string statement = sql::kCandidates;
  constexpr std::string_view kRows = "{weights}";
  statement.replace(statement.find(kRows), kRows.size(), "(:" + base::join(names, "), (:") + ")");

  std::vector<Lane> lanes;
  Lane lane;
  const Connection::Target targets[] = {&lane.key_id, &lane.tenant, &lane.weights};
  sql.each_row(statement, parameters, targets, [&] { lanes.push_back(lane); });
  return lanes;
}

bool lock_lane(Connection& sql, const char* statement, const Lane& lane) {
  return !sql.rows<int64_t>(statement, {{"key_id", lane.key_id}}).empty();
}

std::vector<Lease> leases_of(Connection& sql, const char* statement, const Parameter& parameter) {
  std::vector<Lease> leases;
  Lease lease;
  const Connection::Target targets[] = {&lease.task, &lease.attempt, &lease.token};
  sql.each_row(statement, {&parameter, 1}, targets, [&] { leases.push_back(lease); });
  return leases;
}

}  // namespace

std::optional<Claim> Store::claim(const std::string& worker,
                                  const std::vector<std::string>& weights) {
  if (worker.empty() || weights.empty()) {
    throw Error(Fault::invalid, "a claim needs the worker's name and the weights that it holds");
  }
  // A lane that another transaction holds is passed over; when nothing else is left, the next try
  // waits for the first one, before it holds any lock that others could wait for.
  bool waits = false;
  const auto claim = database_->write([&](Connection& sql, Now now) -> std::optional<Claim> {
    const Claimant claimant{worker, options_.lease_ms, next_turn(now.steady)};
    bool passed_over = false;
    for (const auto& lane : candidates(sql, now, weights)) {
      const auto* lock = waits ? sql::kLockLane : sql::kLockLaneOrSkip;
      waits = false;
      if (!lock_lane(sql, lock, lane)) {
        passed_over = true;
      } else if (auto taken = take(sql, now, lane, claimant)) {
        return taken;
      }
    }
    if (!passed_over) return std::nullopt;
    waits = true;
    throw DatabaseError(DatabaseError::Kind::contention, "all lanes are locked");
  });
  if (claim) tell(Change::Kind::task, claim->lease.task);
  return claim;
}

int64_t Store::next_turn(int64_t steady_ms) {
  int64_t last = turn_;
  int64_t next = 0;
  do {
    next = std::max(last + 1, steady_ms * 1000);
  } while (!turn_.compare_exchange_weak(last, next));
  return next;
}

Heartbeat Store::heartbeat(const Lease& lease, const std::string& progress) {
  const auto cancel_requested = database_->write([&](Connection& sql, Now now) {
    const auto rows = sql.rows<int64_t>(sql::kHeartbeat,
                                        {{"deadline", now.steady + options_.lease_ms},
                                         {"progress", progress},
                                         {"wall", now.wall},
                                         {"id", lease.task},
                                         {"attempt", lease.attempt},
                                         {"token", lease.token}});
    if (rows.empty()) throw Error(Fault::conflict, text("lease lost: task ", lease.task));
    return std::get<0>(rows[0]) != 0;
  });
  if (!progress.empty()) tell(Change::Kind::task, lease.task);
  return {.cancel_requested = cancel_requested, .lease_ms = options_.lease_ms};
}

State Store::finish(const Lease& lease, const Result& result) {
  const auto outcome = database_->write([&](Connection& sql, Now now) {
    const auto task = hold_by_lease(sql, lease);
    if (task.cancel_requested == CancelRequested::yes) return settle(sql, now, task, cancelled());
    return complete(sql, now, task, result);
  });
  tell_end(lease.task, outcome);
  return outcome.state;
}

State Store::fail(const Lease& lease, const Failure& failure) {
  const auto outcome = database_->write([&](Connection& sql, Now now) {
    const auto task = hold_by_lease(sql, lease);
    if (failure.kind == FailureClass::cancelled && task.cancel_requested == CancelRequested::no) {
      throw Error(Fault::invalid, text("nobody asked to cancel task ", lease.task));
    }
    return settle(sql, now, task, failure);
  });
  tell_end(lease.task, outcome);
  return outcome.state;
}

State Store::release(const Lease& lease) {
  const auto outcome = database_->write([&](Connection& sql, Now now) {
    const auto task = hold_by_lease(sql, lease);
    if (task.cancel_requested == CancelRequested::yes) return settle(sql, now, task, cancelled());
    return requeue(sql, now, task, {.failures = task.failures}, "released");
  });
  tell_end(lease.task, outcome);
  return outcome.state;
}

std::vector<Rescued> Store::rescue() {
  const auto leases = database_->write([](Connection& sql, Now now) {
    return leases_of(sql, sql::kExpiredLeases, {"steady", now.steady});
  });
  return end_leases(leases, Leases::expired);
}

std::vector<Rescued> Store::worker_gone(const std::string& worker) {
  const auto leases = database_->read([&](Connection& sql) {
    return leases_of(sql, sql::kLeasesOfWorker, {"worker", worker});
  });
  return end_leases(leases, Leases::all);
}

// Each in a transaction of its own: a lease that was renewed or ended meanwhile is left alone.
std::vector<Rescued> Store::end_leases(const std::vector<Lease>& leases, Leases which) {
  std::vector<Rescued> rescued;
  for (const auto& lease : leases) {
    const auto outcome = database_->write([&](Connection& sql, Now now) -> std::optional<Outcome> {
      const auto task = find_by_lease(sql, lease);
      if (!task) return std::nullopt;
      if (which == Leases::expired && task->lease_deadline > now.steady) return std::nullopt;
      return settle(sql, now, *task, {.kind = FailureClass::worker_lost});
    });
    if (!outcome) continue;
    rescued.push_back({.task = lease.task, .attempt = lease.attempt, .state = outcome->state});
    tell_end(lease.task, *outcome);
  }
  return rescued;
}

}  // namespace tasks
