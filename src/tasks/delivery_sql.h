// SPDX-License-Identifier: Apache-2.0
// The life of a webhook in SQL. Its row is written by the end of its task (queue_sql.h).
#pragma once

namespace tasks::sql {

// At most two at a time for one URL: one that hangs must not hold up all senders. A row whose
// sender has not answered in time is due again; `attempts` counts claims.
inline constexpr auto kDueDeliveries = R"(
SELECT id FROM delivery
WHERE state = 'pending' AND due_at <= :steady
  AND url NOT IN (SELECT url FROM delivery
                  WHERE state = 'pending' AND lease_token <> '' AND due_at > :steady
                  GROUP BY url HAVING count(*) >= 2)
ORDER BY due_at LIMIT 1
FOR UPDATE SKIP LOCKED)";

inline constexpr auto kTakeDelivery = R"(
UPDATE delivery SET lease_token = :token, due_at = :deadline, attempts = attempts + 1
WHERE id = :id
RETURNING task, attempts, url)";

// What its last sender never answered for.
inline constexpr auto kAbandonDeliveries = R"(
UPDATE delivery SET state = 'abandoned', lease_token = ''
WHERE state = 'pending' AND due_at <= :steady AND attempts >= :max_attempts)";

inline constexpr auto kEndDelivery = R"(
UPDATE delivery SET state = :state, lease_token = '', last_status = :status
WHERE id = :id AND lease_token = :token AND state = 'pending')";

inline constexpr auto kRetryDelivery = R"(
UPDATE delivery SET lease_token = '', last_status = :status, due_at = :due_at
WHERE id = :id AND lease_token = :token AND state = 'pending')";

inline constexpr auto kReplayDelivery = R"(
UPDATE delivery SET state = 'pending', lease_token = '', attempts = 0, due_at = :steady
WHERE task = (SELECT number FROM task WHERE tenant = :tenant AND id = :id AND removed = 0))";

// At the start of the only server.
inline constexpr auto kEndDeliveryLeases = R"(
UPDATE delivery SET due_at = :steady, lease_token = '' WHERE state = 'pending' AND lease_token <> '')";

}  // namespace tasks::sql
