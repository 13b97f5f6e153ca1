// SPDX-License-Identifier: Apache-2.0
// What the store keeps: tasks, their leases and results, webhook deliveries, keys, the ledger.
// States and rules: docs/task-states.md. Times are milliseconds since 1970-01-01 UTC; 0 stands for
// "not yet" or "never". Money is integer mills, thousandths of a US dollar.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tasks {

inline constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

// How long an Idempotency-Key stands for its task.
inline constexpr int64_t kIdempotencyMs = int64_t{7} * 24 * 3600 * 1000;

// The words are those of the database and of the WaveSpeed wire.
enum class State { created, processing, completed, failed };

std::string_view name_of(State state);
State state_named(std::string_view name);  // throws Error(invalid)
inline bool is_final(State state) {
  return state == State::completed || state == State::failed;
}

// What one key may have at a time. The store enforces all but the rate, which is the server's.
struct Limits {
  int64_t queued = kNoLimit;
  int64_t running = kNoLimit;
  int64_t spending_cap_mills = kNoLimit;  // price of what waits, runs and was charged, ever
  int64_t requests_per_minute = kNoLimit;

  bool operator==(const Limits&) const = default;
};

// Why a task was not taken in although nothing is wrong with it.
class LimitReached : public base::Error {
 public:
  enum class Limit { queued, spending_cap, disk };

  LimitReached(Limit limit, const std::string& message)
      : Error(base::Fault::exhausted, message), limit_(limit) {}

  Limit limit() const { return limit_; }

 private:
  Limit limit_;
};

struct NewTask {
  std::string tenant;
  std::string key_id;
  std::string endpoint;  // the model id of the wire
  std::string wire;      // which API it came through: decides the shape of its webhook
  std::string weights;   // what a worker must hold to run it
  std::string input;     // the caller's JSON, for replies
  std::string request;   // JSON for the worker
  int64_t price_mills = 0;
  int64_t priority = 0;   // the highest runs first
  std::string body_hash;  // of the endpoint and the body: what makes two requests the same one
  std::string idempotency_key;  // empty: none was sent
  std::string webhook_url;      // empty: none is wanted
};

// A file of a completed task; it lies where the task's id, attempt and this name say.
struct Output {
  std::string name;
  std::string media_type;
  int64_t bytes = 0;
  std::string sha256;

  bool operator==(const Output&) const = default;
};

struct Task {
  std::string id;  // 32 hex digits: 12 of the moment of its submit, 20 random ones
  std::string tenant;
  std::string key_id;
  std::string endpoint;
  std::string wire;
  std::string weights;
  std::string input;
  int64_t price_mills = 0;
  int64_t priority = 0;
  std::string webhook_url;
  State state = State::created;
  int64_t attempt = 0;  // how often it was claimed; the fence of every write
  bool cancel_requested = false;
  std::string progress;       // JSON of the latest heartbeat, or empty
  std::string error_code;     // of a failed task: a word, and
  std::string error_message;  // a sentence for the caller
  int64_t seed = 0;           // of a completed one: what was used
  std::string warnings;       // and a JSON array of sentences
  int64_t inference_ms = 0;
  int64_t created_at = 0;
  int64_t started_at = 0;  // when the latest attempt began
  int64_t finished_at = 0;
  std::vector<Output> outputs;
};

struct Submitted {
  Task task;
  bool attached = false;  // the task is an earlier one: nothing new was made
};

// Newest first. Empty texts and zeros do not filter.
struct Filter {
  int64_t page = 1;
  int64_t page_size = 100;
  std::string endpoint;
  std::string state;
  int64_t created_after = 0;   // this moment included
  int64_t created_before = 0;  // this moment excluded
};

struct Page {
  std::vector<Task> tasks;
  int64_t total = 0;  // on all pages
};

// One line of a task's history. `name` is a state's word, "progress" or "requeued"; `data` is JSON.
struct Event {
  int64_t sequence = 0;
  std::string name;
  std::string data;
  int64_t at = 0;
};

// The right of one worker to one attempt.
struct Lease {
  std::string task;
  int64_t attempt = 0;
  std::string token;  // 32 random hex digits
};

struct Claim {
  Lease lease;
  Task task;
  std::string request;
  int64_t lease_ms = 0;       // how long the lease lasts from now and from each heartbeat on
  int64_t out_of_memory = 0;  // how many attempts ended so: choose a smaller plan
};

struct Heartbeat {
  bool cancel_requested = false;
  int64_t lease_ms = 0;
};

struct Result {
  std::vector<Output> outputs;
  int64_t seed = 0;
  std::string warnings = "[]";
  int64_t inference_ms = 0;
};

// Why an attempt ended without a result. The word decides what happens next (retry.h).
enum class FailureClass {
  invalid_input,
  content_refused,
  gpu_oom,
  gpu_sticky,
  worker_lost,
  exhausted,
  upstream,
  internal,
  cancelled
};

std::string_view name_of(FailureClass kind);
FailureClass failure_class_named(std::string_view name);  // throws Error(invalid)

struct Failure {
  FailureClass kind = FailureClass::internal;
  std::string code;     // for the caller; empty: the class's own word
  std::string message;  // for the caller
  std::string detail;   // for the operator alone
};

// What became of an attempt whose worker was lost.
struct Rescued {
  std::string task;
  int64_t attempt = 0;
  State state = State::created;
};

// A task's webhook, to be sent now.
struct Delivery {
  std::string id;       // the same on every attempt: the receiver tells repetitions by it
  std::string token;    // of this attempt
  int64_t attempt = 0;  // from 1 on
  std::string url;
  Task task;
};

struct DeliveryResult {
  int64_t status = 0;          // of HTTP; 0: there was no answer
  int64_t retry_after_ms = 0;  // what the receiver asked for
};

struct Key {
  std::string id;
  std::string tenant;
  std::string name;
  std::string scopes;  // words with a space between them
  int64_t created_at = 0;
  int64_t expires_at = 0;
  int64_t revoked_at = 0;
  int64_t priority = 0;  // of its tasks
  Limits limits;
};

struct NewKey {
  std::string tenant;
  std::string name;
  std::string scopes;
  int64_t expires_at = 0;
  int64_t priority = 0;
  Limits limits;
};

// What was charged for one endpoint on one day (UTC).
struct Usage {
  std::string endpoint;
  int64_t day = 0;  // its first moment
  int64_t tasks = 0;
  int64_t mills = 0;
};

// What waits and runs for one set of weights, for metrics.
struct QueueLoad {
  std::string weights;
  int64_t queued = 0;
  int64_t running = 0;
  int64_t oldest_created_at = 0;  // of those that wait
};

// A final task whose time is over: its files go first, then the task.
struct Expired {
  std::string id;
  int64_t attempt = 0;
};

// How a task came to its end, for metrics.
struct Ending {
  std::string endpoint;
  std::string outcome;  // "completed", "failed", "cancelled"
  int64_t took_ms = 0;  // since it was submitted
};

// What changed, for those who wait. A hint: whoever hears it asks the store again.
struct Change {
  enum class Kind { queue, task, delivery };

  Kind kind = Kind::queue;
  std::string task;
  std::optional<Ending> ending;  // of kind `task`: it was this change that ended it
};

}  // namespace tasks
