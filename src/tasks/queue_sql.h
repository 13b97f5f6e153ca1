// SPDX-License-Identifier: Apache-2.0
// The life of a task in SQL, from top to bottom: submit, claim, heartbeat, the ends, the way back.
// PostgreSQL's words; what SQLite gets of them is said in connection.h. The tables: schema.cpp.
//
// Whoever writes for a worker names the task, the attempt and the lease's token: no row means that
// the lease is lost. In PostgreSQL rows are locked in the order task, lane, tenant, except that a
// claim takes the lane first and then a task that nobody holds: no two can wait for each other.
#pragma once

namespace tasks::sql {

// ── Submit ──

// Changes a row when the word is new to the tenant, or so old that it may be used again.
inline constexpr auto kTakeIdempotencyKey = R"(
INSERT INTO idempotency (tenant, word, body_hash, task_id, created_at)
VALUES (:tenant, :word, :body_hash, :id, :wall)
ON CONFLICT (tenant, word) DO UPDATE
  SET body_hash = excluded.body_hash, task_id = excluded.task_id, created_at = excluded.created_at
  WHERE idempotency.created_at < :forgotten_before)";

inline constexpr auto kIdempotencyKey = R"(
SELECT body_hash, task_id FROM idempotency WHERE tenant = :tenant AND word = :word)";

// The submit whose reply did not arrive is answered by its repetition, once.
inline constexpr auto kMarkReplyLost = R"(
UPDATE task SET reply_lost_at = :steady WHERE tenant = :tenant AND id = :id)";

inline constexpr auto kAttach = R"(
UPDATE task SET reply_lost_at = 0
WHERE number = (SELECT number FROM task
                WHERE key_id = :key_id AND body_hash = :body_hash
                  AND reply_lost_at > 0 AND reply_lost_at >= :since
                  AND tenant = :tenant AND endpoint = :endpoint AND removed = 0
                ORDER BY number DESC LIMIT 1
                FOR UPDATE)
RETURNING id)";

inline constexpr auto kInsertTask = R"(
INSERT INTO task (id, tenant, key_id, endpoint, wire, weights, input, request, price_mills,
                  priority, webhook_url, body_hash, created_at, event_sequence)
VALUES (:id, :tenant, :key_id, :endpoint, :wire, :weights, :input, :request, :price_mills,
        :priority, :webhook_url, :body_hash, :wall, 1)
RETURNING number)";

// No row when the key has reached a limit, or has no lane yet.
inline constexpr auto kEnterLane = R"(
UPDATE lane
SET queued = queued + 1, held_mills = held_mills + :price_mills, max_running = :max_running
WHERE key_id = :key_id AND queued < :max_queued AND held_mills + charged_mills <= :spent_before)";

inline constexpr auto kMakeLane = R"(
INSERT INTO lane (key_id, tenant, max_running) VALUES (:key_id, :tenant, 0)
ON CONFLICT DO NOTHING)";

inline constexpr auto kLane = R"(
SELECT queued, held_mills + charged_mills FROM lane WHERE key_id = :key_id)";

// Every state change is told to those who follow the task.
inline constexpr auto kAddEvent = R"(
INSERT INTO task_event (task, sequence, name, data, at)
VALUES (:number, :sequence, :name, :data, :wall))";

// ── Claim ──

// The first task of every lane that may run one more, for each of the weights that the worker
// holds: the highest priority first, then the tenant that has waited longest for a turn, then the
// oldest. VALUES gets a row for each of the weights.
inline constexpr auto kCandidates = R"(
WITH wanted (weights) AS (VALUES {weights}),
     head AS (SELECT lane.key_id, lane.tenant, wanted.weights,
                     (SELECT number FROM task
                      WHERE state = 'created' AND key_id = lane.key_id
                        AND weights = wanted.weights AND not_before <= :steady
                      ORDER BY priority DESC, number LIMIT 1) AS number
              FROM lane CROSS JOIN wanted
              WHERE lane.queued > 0 AND lane.running < lane.max_running)
SELECT head.key_id, head.tenant, head.weights
FROM head JOIN task ON task.number = head.number JOIN tenant ON tenant.name = head.tenant
ORDER BY task.priority DESC, tenant.turn, task.number LIMIT 16)";

// No row when the lane is locked or has nothing to run any more.
inline constexpr auto kLockLaneOrSkip = R"(
SELECT queued FROM lane
WHERE key_id = :key_id AND queued > 0 AND running < max_running FOR UPDATE SKIP LOCKED)";
inline constexpr auto kLockLane = R"(
SELECT queued FROM lane
WHERE key_id = :key_id AND queued > 0 AND running < max_running FOR UPDATE)";

inline constexpr auto kTake = R"(
UPDATE task
SET state = 'processing', attempt = attempt + 1, worker = :worker, lease_token = :token,
    lease_deadline = :deadline, started_at = :wall, progress = '', progress_sequence = 0,
    event_sequence = event_sequence + 1
WHERE number = (SELECT number FROM task
                WHERE state = 'created' AND key_id = :key_id AND weights = :weights
                  AND not_before <= :steady
                ORDER BY priority DESC, number LIMIT 1
                FOR UPDATE SKIP LOCKED)
RETURNING number, id, attempt, event_sequence, request, out_of_memory)";

inline constexpr auto kTakeTurn = R"(
UPDATE tenant SET turn = :turn WHERE name = :tenant)";

// Every way from state to state moves the lane's counters.
inline constexpr auto kMoveLane = R"(
UPDATE lane
SET queued = queued + :queued, running = running + :running,
    held_mills = held_mills + :held_mills, charged_mills = charged_mills + :charged_mills
WHERE key_id = :key_id)";

// ── Heartbeat ──

inline constexpr auto kHeartbeat = R"(
UPDATE task
SET lease_deadline = :deadline,
    progress_sequence = CASE WHEN :progress IN ('', progress) THEN progress_sequence
                             ELSE event_sequence + 1 END,
    event_sequence = CASE WHEN :progress IN ('', progress) THEN event_sequence
                          ELSE event_sequence + 1 END,
    progress_at = CASE WHEN :progress IN ('', progress) THEN progress_at ELSE :wall END,
    progress = CASE WHEN :progress = '' THEN progress ELSE :progress END
WHERE id = :id AND attempt = :attempt AND lease_token = :token AND state = 'processing'
RETURNING cancel_requested)";

// ── The end of an attempt ──

// What an end must know of the task, found by the lease or by who else may end it.
inline constexpr auto kHeldByLease = R"(
SELECT number, id, tenant, key_id, endpoint, price_mills, webhook_url, state, attempt, failures,
       crashes, out_of_memory, cancel_requested, lease_deadline, event_sequence, created_at
FROM task
WHERE id = :id AND attempt = :attempt AND lease_token = :token AND state = 'processing'
FOR UPDATE)";
inline constexpr auto kHeldByTenant = R"(
SELECT number, id, tenant, key_id, endpoint, price_mills, webhook_url, state, attempt, failures,
       crashes, out_of_memory, cancel_requested, lease_deadline, event_sequence, created_at
FROM task WHERE tenant = :tenant AND id = :id AND removed = 0
FOR UPDATE)";

// Leases that ran out, and those of a worker that is known to be gone.
inline constexpr auto kExpiredLeases = R"(
SELECT id, attempt, lease_token FROM task
WHERE state = 'processing' AND lease_deadline <= :steady ORDER BY lease_deadline LIMIT 1000)";
inline constexpr auto kLeasesOfWorker = R"(
SELECT id, attempt, lease_token FROM task WHERE state = 'processing' AND worker = :worker)";
inline constexpr auto kComplete = R"(
UPDATE task
SET state = 'completed', lease_token = '', lease_deadline = 0, finished_at = :wall,
    seed = :seed, warnings = :warnings, inference_ms = :inference_ms,
    removed = removal_requested, event_sequence = :sequence
WHERE number = :number AND attempt = :attempt AND state = 'processing')";

inline constexpr auto kInsertOutput = R"(
INSERT INTO output (task, position, name, media_type, bytes, sha256)
VALUES (:number, :position, :name, :media_type, :bytes, :sha256))";

inline constexpr auto kCharge = R"(
INSERT INTO ledger (tenant, at, mills, task_id, key_id, endpoint, note)
VALUES (:tenant, :wall, :mills, :id, :key_id, :endpoint, ''))";

inline constexpr auto kChangeBalance = R"(
UPDATE tenant SET balance_mills = balance_mills + :mills WHERE name = :tenant)";

inline constexpr auto kFail = R"(
UPDATE task
SET state = 'failed', lease_token = '', lease_deadline = 0, finished_at = :wall,
    error_code = :code, error_message = :message, error_detail = :detail,
    failures = :failures, crashes = :crashes, out_of_memory = :out_of_memory,
    removed = removal_requested, event_sequence = :sequence
WHERE number = :number AND attempt = :attempt AND state = :state)";

// The outbox: written with the end itself.
inline constexpr auto kInsertDelivery = R"(
INSERT INTO delivery (id, task, url, due_at) VALUES (:id, :number, :url, :steady))";

// ── The way back ──

inline constexpr auto kRequeue = R"(
UPDATE task
SET state = 'created', lease_token = '', lease_deadline = 0, not_before = :not_before,
    progress = '', progress_sequence = 0,
    failures = :failures, crashes = :crashes, out_of_memory = :out_of_memory,
    event_sequence = :sequence
WHERE number = :number AND attempt = :attempt AND state = 'processing')";

// Only releases are without bound, and what matters of them is the latest.
inline constexpr auto kForgetEvents = R"(
DELETE FROM task_event
WHERE task = :number AND sequence < (SELECT sequence FROM task_event WHERE task = :number
                                     ORDER BY sequence DESC LIMIT 1 OFFSET 31))";

// ── Cancel and remove ──

// One that waits fails; one that runs hears of this at its next heartbeat.
inline constexpr auto kRequestCancel = R"(
UPDATE task SET cancel_requested = 1 WHERE number = :number AND state = 'processing')";

// One that is not final yet is removed by its end.
inline constexpr auto kRemove = R"(
UPDATE task
SET removal_requested = 1,
    removed = CASE WHEN state IN ('completed', 'failed') THEN 1 ELSE 0 END
WHERE number = :number)";

// ── Start ──

// Where deadlines are the server's own, a start gives every lease one fresh period.
inline constexpr auto kRenewLeases = R"(
UPDATE task SET lease_deadline = :deadline WHERE state = 'processing')";
inline constexpr auto kForgetDelays = R"(
UPDATE task SET not_before = 0 WHERE state = 'created' AND not_before > 0)";

// The turns of a start come after those of earlier ones, whatever the clock says.
inline constexpr auto kLatestTurn = R"(
SELECT coalesce(max(turn), 0) FROM tenant)";

}  // namespace tasks::sql
