// SPDX-License-Identifier: Apache-2.0
// The durable store: tasks and their leases, webhook deliveries, keys and the ledger, in SQLite for
// one server or in PostgreSQL for several.
//
// Thread-safe and synchronous: a call that changes something returns when the change is durable.
// Calls of many threads at once share a commit. Whoever reads for a caller names the tenant, and
// learns nothing of other tenants' tasks. Errors: besides what each function says, any may throw
// Error(exhausted) on a full disk, Error(upstream) when PostgreSQL cannot be reached and
// Error(internal).
//
// The functions are in submit.cpp, work.cpp, cancel.cpp, reading.cpp, deliveries.cpp, keys.cpp,
// ledger.cpp and retention.cpp, in this order.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tasks/task.h"

namespace tasks {

class Database;
class KeyCache;
struct Outcome;

struct StoreOptions {
  int64_t lease_ms = 30'000;
  // How long a submit whose reply was lost is answered again by an identical one
  // (docs/task-states.md).
  int64_t attach_window_ms = 60'000;
  int connections = 8;  // that read (SQLite), that do everything (PostgreSQL)
  // SQLite alone: room in reserve, and how much must be free besides for anything new.
  int64_t ballast_bytes = 64 << 20;
  int64_t disk_floor_bytes = int64_t{1} << 30;
  // PostgreSQL alone: deadlines and dates follow its clock, which all servers share. Tests set this
  // to false and own the time.
  bool use_clock_of_database = true;
  // Called after every change, on the thread that made it: must return soon and not call the store.
  // Changes that other servers make on the same PostgreSQL are not heard of, so whoever waits asks
  // again every second or so.
  std::function<void(const Change&)> on_change;
};

class Store {
 public:
  // "sqlite:PATH" or "postgres://…". Brings the tables up to date. Throws Error(invalid) when the
  // database cannot be used, Error(conflict) when another server has the file open.
  static std::unique_ptr<Store> open(const std::string& url,
                                     base::Clock clock,
                                     StoreOptions options = {});
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();

  // ── For callers: submit ──

  // A new task, or an earlier one where the idempotency key or a lost reply says so. Throws
  // LimitReached, Error(conflict) when the idempotency key came with another body, and
  // Error(not_found) when its task has been deleted.
  Submitted create(const NewTask& task, const Limits& limits);

  // The reply to the submit of this task did not reach the caller, who will probably repeat it.
  // Call it when the connection closed or failed before the reply was written.
  void reply_lost(const std::string& tenant, const std::string& id);

  // ── For workers ──

  // The task to run next on one of `weights`, or nothing. The highest priority first, then the
  // tenants in turn; a key runs as many at a time as its latest submit allowed.
  std::optional<Claim> claim(const std::string& worker, const std::vector<std::string>& weights);

  // All of these throw Error(conflict), "lease lost", when the attempt is no longer the lease's:
  // drop the work and its files.

  // Renews the lease. `progress` is JSON, or empty where nothing is new.
  Heartbeat heartbeat(const Lease& lease, const std::string& progress);

  // Completed; or failed, where the task was cancelled before: then the outputs are nobody's.
  State finish(const Lease& lease, const Result& result);

  // Failed, or created again (retry.h). Throws Error(invalid) for `cancelled` when nobody asked for
  // that.
  State fail(const Lease& lease, const Failure& failure);

  // Gives the task back unharmed, as when the worker is told to stop; failed if it was cancelled.
  State release(const Lease& lease);

  // Ends the attempts whose leases ran out, as worker_lost. Call it every few seconds.
  std::vector<Rescued> rescue();

  // The same at once for a worker that is known to be gone.
  std::vector<Rescued> worker_gone(const std::string& worker);

  // ── For callers: cancel and remove ──

  // One that waits fails at once; one that runs is asked to stop, which the worker hears at its
  // next heartbeat; a final one stays. Returns the state now. Throws Error(not_found).
  State cancel(const std::string& tenant, const std::string& id);

  // Final tasks vanish for the tenant, one that waits is cancelled first, one that runs is asked to
  // stop and vanishes then. Returns how many there were.
  int64_t remove(const std::string& tenant, const std::vector<std::string>& ids);

  // ── For callers: read ──

  std::optional<Task> find(const std::string& tenant, const std::string& id);
  // Throws Error(invalid) with everything that is wrong with the filter.
  Page list(const std::string& tenant, const Filter& filter);
  // Events after `sequence`, oldest first: all state changes (the latest 32), and the latest
  // progress.
  std::vector<Event> events_after(const std::string& tenant,
                                  const std::string& id,
                                  int64_t sequence);
  // 1 is next, 0 does not wait. An estimate, since tenants take turns; from 100 on it may be more.
  int64_t queue_position(const std::string& tenant, const std::string& id);
  std::vector<QueueLoad> queue_loads();
  // Whether files of this attempt are, or may yet become, a result: what else is found may go.
  bool holds_files(const std::string& id, int64_t attempt);

  // ── For the sender of webhooks ──

  // Deliveries to be sent now, at most two at a time for one URL. Each must be answered by
  // delivery_done() within a minute, or is sent anew.
  std::vector<Delivery> claim_deliveries(int64_t limit);
  // 2xx ends it, as does 410; otherwise it is due again later, ten attempts in all.
  void delivery_done(const Delivery& delivery, const DeliveryResult& result);
  // Sends a task's webhook again from the start. Throws Error(not_found) when it has none.
  void replay_delivery(const std::string& tenant, const std::string& task);
  // "whsec_…", made when first asked for.
  std::string webhook_secret(const std::string& tenant);

  // ── Keys ──

  // The text that authenticates, "zt_<id>_<secret>": shown once, not kept.
  std::string create_key(const NewKey& key);
  // Throws Error(unauthorized), the same for every reason. Takes the same time for a wrong secret
  // as for an unknown id. A revoked key is refused at once here, within ten seconds by other
  // servers.
  Key authenticate(const std::string& text);
  std::vector<Key> list_keys(const std::string& tenant);
  bool has_keys();  // of any tenant, revoked ones included
  void revoke_key(const std::string& tenant, const std::string& id);  // throws Error(not_found)

  // ── Ledger ──

  void credit(const std::string& tenant, int64_t mills, const std::string& note);
  int64_t balance(const std::string& tenant);  // credits less charges, in mills
  // From `from` on and before `to`, by endpoint and day.
  std::vector<Usage> usage(const std::string& tenant, int64_t from, int64_t to);

  // ── Upkeep ──

  // Final tasks that ended before `finished_before`, and removed ones, whose webhooks are done.
  std::vector<Expired> expired_tasks(int64_t finished_before, int64_t limit = 100);
  // Forgets them, after their files.
  void purge(const std::vector<Expired>& tasks);

  // Work for quiet moments: call it every few seconds.
  void tidy();
  // What is wrong with the database's file, or nothing. Takes seconds per GB; SQLite alone.
  std::string check();
  // True once the disk has failed under the database: the process should end and start anew.
  bool has_failed() const;

 private:
  Store(std::unique_ptr<Database> database, base::Clock clock, StoreOptions options);

  enum class Leases { expired, all };
  std::vector<Rescued> end_leases(const std::vector<Lease>& leases, Leases which);
  // Microseconds, or one more than the last where the clock has not moved: turns follow time across
  // starts and servers, and are never equal here.
  int64_t next_turn(int64_t steady_ms);
  void tell(Change::Kind kind, const std::string& task = {}) const;
  void tell_end(const std::string& task, const Outcome& outcome) const;

  base::Clock clock_;
  StoreOptions options_;
  std::unique_ptr<Database> database_;
  std::unique_ptr<KeyCache> keys_;
  std::atomic<int64_t> turn_;
};

}  // namespace tasks
