// SPDX-License-Identifier: Apache-2.0
// For tests: what a store should do, in memory and as simple as can be. It keeps every task in a
// list and looks through all of it each time.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tasks/retry.h"
#include "tasks/task.h"

namespace tasks::test {

class Model {
 public:
  struct Entry {
    NewTask request;
    std::string id;
    State state = State::created;
    int64_t attempt = 0;
    Failures failures;
    bool cancel_requested = false;
    bool removed = false;
    std::string worker, token, error_code;
    int64_t deadline = 0, not_before = 0, reply_lost_at = 0, created_at = 0, finished_at = 0;

    bool is_visible() const { return !removed || state == State::processing; }
  };

  int64_t now = 0;
  int64_t lease_ms = 0;
  int64_t attach_window_ms = 0;

  const std::vector<Entry>& tasks() const { return tasks_; }
  int64_t balance(const std::string& tenant) const {
    auto found = balances_.find(tenant);
    return found == balances_.end() ? 0 : found->second;
  }

  // What a submit should lead to: "new", the id of an earlier task, or what it is refused for. A
  // new task is entered by add().
  std::string submit(const NewTask& request, const Limits& limits) {
    if (!request.idempotency_key.empty()) {
      const auto known = idempotency_.find({request.tenant, request.idempotency_key});
      if (known != idempotency_.end() && now - known->second.at <= kIdempotencyMs) {
        if (known->second.body_hash != request.body_hash) return "conflict";
        return find(known->second.id) == nullptr ? "not found" : known->second.id;
      }
    } else if (auto* lost = lost_submit(request)) {
      lost->reply_lost_at = 0;
      return lost->id;
    }
    const auto in_lane = [&](const Entry& task) { return task.request.key_id == request.key_id; };
    int64_t queued = 0;
    int64_t spent = charged_[request.key_id];
    for (const auto& task : tasks_) {
      if (!in_lane(task) || is_final(task.state)) continue;
      spent += task.request.price_mills;
      if (task.state == State::created) ++queued;
    }
    if (queued >= limits.queued) return "queued";
    if (spent > limits.spending_cap_mills - request.price_mills) return "spending cap";
    return "new";
  }

  void add(const NewTask& request, const Limits& limits, const std::string& id) {
    tasks_.push_back({.request = request, .id = id, .created_at = now});
    max_running_[request.key_id] = limits.running;
    if (request.idempotency_key.empty()) return;
    idempotency_[{request.tenant, request.idempotency_key}] = {request.body_hash, id, now};
  }

  void reply_lost(const std::string& id) { find(id)->reply_lost_at = now; }

  // The task whose turn it is, or nothing.
  const Entry* next(const std::vector<std::string>& weights) {
    const Entry* best = nullptr;
    for (const auto& task : tasks_) {
      if (task.state != State::created || task.not_before > now) continue;
      if (std::ranges::find(weights, task.request.weights) == weights.end()) continue;
      if (running(task.request.key_id) >= max_running_[task.request.key_id]) continue;
      if (best == nullptr || comes_before(task, *best)) best = &task;
    }
    return best;
  }

  void claim(const Lease& lease, const std::string& worker) {
    auto& task = *find(lease.task);
    task.state = State::processing;
    task.attempt = lease.attempt;
    task.token = lease.token;
    task.worker = worker;
    task.deadline = now + lease_ms;
    turns_[task.request.tenant] = ++turn_;
  }

  // Nothing when the lease is lost.
  Entry* held(const Lease& lease) {
    auto* task = find(lease.task);
    const bool is_held = task != nullptr && task->state == State::processing &&
                         task->attempt == lease.attempt && task->token == lease.token;
    return is_held ? task : nullptr;
  }

  void heartbeat(Entry& task) const { task.deadline = now + lease_ms; }

  State finish(Entry& task) {
    if (task.cancel_requested) return fail(task, cancelled());
    end(task, State::completed);
    balances_[task.request.tenant] -= task.request.price_mills;
    charged_[task.request.key_id] += task.request.price_mills;
    return task.state;
  }

  State fail(Entry& task, const Failure& failure) {
    const auto verdict = judge(
        task.failures, failure, task.cancel_requested ? CancelRequested::yes : CancelRequested::no);
    task.failures = verdict.failures;
    if (verdict.is_retried) {
      task.state = State::created;
      task.not_before = verdict.pause_ms == 0 ? 0 : now + verdict.pause_ms;
    } else {
      end(task, State::failed);
      task.error_code = verdict.code;
    }
    return task.state;
  }

  State release(Entry& task) {
    if (task.cancel_requested) return fail(task, cancelled());
    task.state = State::created;
    task.not_before = 0;
    return task.state;
  }

  // Those whose leases ran out, or that the worker has.
  std::vector<std::string> lose(const std::optional<std::string>& worker) {
    std::vector<std::string> ids;
    for (auto& task : tasks_) {
      if (task.state != State::processing) continue;
      if (worker ? task.worker != *worker : task.deadline > now) continue;
      fail(task, {.kind = FailureClass::worker_lost});
      ids.push_back(task.id);
    }
    return ids;
  }

  // Nothing when the tenant has no such task.
  std::optional<State> cancel(const std::string& tenant, const std::string& id) {
    auto* task = find(id);
    if (task == nullptr || task->request.tenant != tenant || !task->is_visible()) {
      return std::nullopt;
    }
    if (task->state == State::created) return fail(*task, cancelled());
    if (task->state == State::processing) task->cancel_requested = true;
    return task->state;
  }

  bool remove(const std::string& tenant, const std::string& id) {
    if (!cancel(tenant, id)) return false;
    find(id)->removed = true;
    return true;
  }

  std::vector<std::string> expired(int64_t finished_before) const {
    std::vector<std::string> ids;
    for (const auto& task : tasks_) {
      if (!is_final(task.state)) continue;
      if (task.removed || task.finished_at < finished_before) ids.push_back(task.id);
    }
    return ids;
  }

  void purge(const std::vector<std::string>& ids) {
    std::erase_if(tasks_,
                  [&](const Entry& task) { return std::ranges::find(ids, task.id) != ids.end(); });
  }

  // The clock of deadlines begins anew.
  void restart() {
    for (auto& task : tasks_) {
      task.not_before = 0;
      if (task.state == State::processing) task.deadline = now + lease_ms;
    }
  }

 private:
  struct Known {
    std::string body_hash, id;
    int64_t at = 0;
  };

  Entry* find(const std::string& id) {
    const auto found = std::ranges::find(tasks_, id, &Entry::id);
    return found == tasks_.end() ? nullptr : &*found;
  }

  Entry* lost_submit(const NewTask& request) {
    Entry* latest = nullptr;
    for (auto& task : tasks_) {
      const auto& first = task.request;
      if (first.key_id != request.key_id || first.body_hash != request.body_hash) continue;
      if (task.reply_lost_at == 0 || now - task.reply_lost_at > attach_window_ms) continue;
      if (!task.removed) latest = &task;
    }
    return latest;
  }

  int64_t running(const std::string& key) const {
    return std::ranges::count_if(tasks_, [&](const Entry& task) {
      return task.request.key_id == key && task.state == State::processing;
    });
  }

  // The tasks are in the order of their submits.
  bool comes_before(const Entry& task, const Entry& other) {
    if (task.request.priority != other.request.priority) {
      return task.request.priority > other.request.priority;
    }
    return turns_[task.request.tenant] < turns_[other.request.tenant];
  }

  void end(Entry& task, State state) const {
    task.state = state;
    task.finished_at = now;
  }

  std::vector<Entry> tasks_;
  std::map<std::pair<std::string, std::string>, Known> idempotency_;
  std::map<std::string, int64_t> balances_, charged_, max_running_, turns_;
  int64_t turn_ = 0;
};

}  // namespace tasks::test
