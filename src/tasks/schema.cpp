// SPDX-License-Identifier: Apache-2.0
#include "tasks/schema.h"

#include <span>

#include "base/error.h"
#include "base/text.h"

namespace tasks {
namespace {

// {number} is a key that the database counts up, {strict} makes SQLite hold to the types. No colon
// or apostrophe in a comment: SOCI takes them for a parameter and a text.
constexpr const char* kVersion1[] = {
    R"(CREATE TABLE tenant (
  name           TEXT PRIMARY KEY,
  webhook_secret TEXT NOT NULL,
  balance_mills  BIGINT NOT NULL DEFAULT 0, -- the sum of its rows in the ledger
  turn           BIGINT NOT NULL DEFAULT 0  -- of its latest claim; the smallest comes next
) {strict})",

    // One per API key: what it has waiting and running, and what it may.
    R"(CREATE TABLE lane (
  key_id        TEXT PRIMARY KEY,
  tenant        TEXT NOT NULL REFERENCES tenant (name),
  queued        BIGINT NOT NULL DEFAULT 0 CHECK (queued >= 0),
  running       BIGINT NOT NULL DEFAULT 0 CHECK (running >= 0),
  max_running   BIGINT NOT NULL,
  held_mills    BIGINT NOT NULL DEFAULT 0 CHECK (held_mills >= 0), -- price of what waits and runs
  charged_mills BIGINT NOT NULL DEFAULT 0 CHECK (charged_mills >= 0)
) {strict})",

    R"(CREATE TABLE task (
  number            {number},
  id                TEXT NOT NULL UNIQUE CHECK (length(id) = 32),
  tenant            TEXT NOT NULL,
  key_id            TEXT NOT NULL,
  endpoint          TEXT NOT NULL,
  wire              TEXT NOT NULL,
  weights           TEXT NOT NULL,
  input             TEXT NOT NULL,
  request           TEXT NOT NULL,
  price_mills       BIGINT NOT NULL CHECK (price_mills >= 0),
  priority          BIGINT NOT NULL,
  webhook_url       TEXT NOT NULL,
  body_hash         TEXT NOT NULL,
  reply_lost_at     BIGINT NOT NULL DEFAULT 0,

  state             TEXT NOT NULL DEFAULT 'created'
                    CHECK (state IN ('created', 'processing', 'completed', 'failed')),
  attempt           BIGINT NOT NULL DEFAULT 0, -- claims; the fence
  failures          BIGINT NOT NULL DEFAULT 0 CHECK (failures <= attempt),
  crashes           BIGINT NOT NULL DEFAULT 0 CHECK (crashes <= failures),
  out_of_memory     BIGINT NOT NULL DEFAULT 0 CHECK (out_of_memory <= failures),
  not_before        BIGINT NOT NULL DEFAULT 0,
  cancel_requested  BIGINT NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),

  worker            TEXT NOT NULL DEFAULT '', -- of the latest attempt
  lease_token       TEXT NOT NULL DEFAULT '',
  lease_deadline    BIGINT NOT NULL DEFAULT 0,
  progress          TEXT NOT NULL DEFAULT '',
  progress_sequence BIGINT NOT NULL DEFAULT 0, -- of the event that it stands for
  progress_at       BIGINT NOT NULL DEFAULT 0,
  event_sequence    BIGINT NOT NULL DEFAULT 0, -- of the latest event

  error_code        TEXT NOT NULL DEFAULT '',
  error_message     TEXT NOT NULL DEFAULT '',
  error_detail      TEXT NOT NULL DEFAULT '',
  seed              BIGINT NOT NULL DEFAULT 0,
  warnings          TEXT NOT NULL DEFAULT '[]',
  inference_ms      BIGINT NOT NULL DEFAULT 0,

  created_at        BIGINT NOT NULL,
  started_at        BIGINT NOT NULL DEFAULT 0,
  finished_at       BIGINT NOT NULL DEFAULT 0,
  removal_requested BIGINT NOT NULL DEFAULT 0 CHECK (removal_requested IN (0, 1)),
  removed           BIGINT NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),

  CONSTRAINT a_lease_while_processing
    CHECK ((state = 'processing') = (lease_token <> '')),
  CONSTRAINT a_deadline_while_processing
    CHECK ((state = 'processing') = (lease_deadline > 0)),
  CONSTRAINT work_only_after_a_claim
    CHECK (state IN ('created', 'failed') OR attempt > 0),
  CONSTRAINT an_end_when_final
    CHECK ((state IN ('completed', 'failed')) = (finished_at > 0)),
  CONSTRAINT an_error_when_failed
    CHECK ((state = 'failed') = (error_code <> '')),
  CONSTRAINT a_cancelled_task_does_not_wait
    CHECK (state <> 'created' OR cancel_requested = 0),
  CONSTRAINT a_removed_task_is_final
    CHECK (removed = 0 OR state IN ('completed', 'failed'))
) {strict})",
    // A queue leaves a dead row at every step: clean up long before a fifth of the history is dead.
    R"({postgres}ALTER TABLE task SET
  (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000))",

    // The queue of one key, and the queue for one set of weights.
    R"(CREATE INDEX task_waiting ON task (key_id, weights, priority DESC, number)
  WHERE state = 'created')",
    R"(CREATE INDEX task_line ON task (weights, priority DESC, number, created_at)
  WHERE state = 'created')",
    "CREATE INDEX task_leased ON task (lease_deadline, weights) WHERE state = 'processing'",
    R"(CREATE INDEX task_history ON task (tenant, created_at DESC, number DESC)
  WHERE removed = 0)",
    "CREATE INDEX task_final ON task (finished_at) WHERE state IN ('completed', 'failed')",
    "CREATE INDEX task_removed ON task (finished_at) WHERE removed = 1",
    "CREATE INDEX task_reply_lost ON task (key_id, body_hash) WHERE reply_lost_at > 0",

    R"(CREATE TABLE output (
  task       BIGINT NOT NULL REFERENCES task (number) ON DELETE CASCADE,
  position   BIGINT NOT NULL,
  name       TEXT NOT NULL,
  media_type TEXT NOT NULL,
  bytes      BIGINT NOT NULL CHECK (bytes >= 0),
  sha256     TEXT NOT NULL CHECK (length(sha256) = 64),
  PRIMARY KEY (task, position)
) {strict})",

    R"(CREATE TABLE task_event (
  task     BIGINT NOT NULL REFERENCES task (number) ON DELETE CASCADE,
  sequence BIGINT NOT NULL,
  name     TEXT NOT NULL,
  data     TEXT NOT NULL,
  at       BIGINT NOT NULL,
  PRIMARY KEY (task, sequence)
) {strict})",

    // The outbox. A task ends once, so it has one row here at most.
    R"(CREATE TABLE delivery (
  id          TEXT PRIMARY KEY,
  task        BIGINT NOT NULL UNIQUE REFERENCES task (number) ON DELETE CASCADE,
  url         TEXT NOT NULL,
  state       TEXT NOT NULL DEFAULT 'pending'
              CHECK (state IN ('pending', 'delivered', 'abandoned')),
  attempts    BIGINT NOT NULL DEFAULT 0,
  due_at      BIGINT NOT NULL, -- while it is being sent, when it may be sent anew
  lease_token TEXT NOT NULL DEFAULT '',
  last_status BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT a_lease_while_pending CHECK (state = 'pending' OR lease_token = '')
) {strict})",
    "CREATE INDEX delivery_due ON delivery (due_at) WHERE state = 'pending'",

    // Outlives the task, whose files may be wanted for less time than the answer to a repetition.
    R"(CREATE TABLE idempotency (
  tenant     TEXT NOT NULL,
  word       TEXT NOT NULL,
  body_hash  TEXT NOT NULL,
  task_id    TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant, word)
) {strict})",
    "CREATE INDEX idempotency_age ON idempotency (created_at)",

    // Credits are above zero, charges are zero or below. Outlives keys and tasks.
    R"(CREATE TABLE ledger (
  number   {number},
  tenant   TEXT NOT NULL REFERENCES tenant (name),
  at       BIGINT NOT NULL,
  mills    BIGINT NOT NULL,
  task_id  TEXT NOT NULL, -- of a charge
  key_id   TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  note     TEXT NOT NULL  -- of a credit
) {strict})",
    "CREATE UNIQUE INDEX ledger_one_charge ON ledger (task_id) WHERE task_id <> ''",
    "CREATE INDEX ledger_usage ON ledger (tenant, at)",

    R"(CREATE TABLE api_key (
  id                  TEXT PRIMARY KEY,
  tenant              TEXT NOT NULL REFERENCES tenant (name),
  name                TEXT NOT NULL,
  scopes              TEXT NOT NULL,
  secret_sha256       TEXT NOT NULL CHECK (length(secret_sha256) = 64),
  created_at          BIGINT NOT NULL,
  expires_at          BIGINT NOT NULL,
  revoked_at          BIGINT NOT NULL DEFAULT 0,
  max_queued          BIGINT NOT NULL,
  max_running         BIGINT NOT NULL,
  spending_cap_mills  BIGINT NOT NULL,
  requests_per_minute BIGINT NOT NULL
) {strict})",
};

constexpr const char* kVersion2[] = {
    "ALTER TABLE api_key ADD COLUMN priority BIGINT NOT NULL DEFAULT 0",  // of its tasks
};

// Each brings the database one version further.
constexpr std::span<const char* const> kMigrations[] = {kVersion1, kVersion2};

// All of them.
void replace(std::string& text, std::string_view token, std::string_view words) {
  for (auto at = text.find(token); at != std::string::npos; at = text.find(token, at)) {
    text.replace(at, token.size(), words);
    at += words.size();
  }
}

void run_in_dialect(Connection& sql, std::string statement) {
  constexpr std::string_view kPostgres = "{postgres}";
  const bool is_sqlite = sql.dialect() == Dialect::sqlite;
  if (statement.starts_with(kPostgres)) {
    if (is_sqlite) return;
    statement.erase(0, kPostgres.size());
  }
  replace(statement,
          "{number}",
          is_sqlite ? "INTEGER PRIMARY KEY" : "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY");
  replace(statement, "{strict}", is_sqlite ? "STRICT" : "");
  if (is_sqlite) replace(statement, "BIGINT", "INTEGER");
  sql.run(statement);
}

int64_t version_of(Connection& sql) {
  if (sql.dialect() == Dialect::sqlite) {
    return std::get<0>(sql.rows<int64_t>("PRAGMA user_version").at(0));
  }
  // Several servers may start at once.
  sql.rows<std::string>("SELECT pg_advisory_xact_lock(7237954630976335)::text");
  sql.run("CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)");
  const auto versions = sql.rows<int64_t>("SELECT version FROM schema_version");
  return versions.empty() ? 0 : std::get<0>(versions[0]);
}

void set_version(Connection& sql, int64_t version) {
  if (sql.dialect() == Dialect::sqlite) {
    sql.run(base::text("PRAGMA user_version = ", version));
    return;
  }
  sql.run("DELETE FROM schema_version");
  sql.run("INSERT INTO schema_version VALUES (:version)", {{"version", version}});
}

}  // namespace

void migrate(Database& database) {
  database.run_write([](Connection& sql, Now) {
    const auto newest = static_cast<int64_t>(std::size(kMigrations));
    const auto version = version_of(sql);
    if (version > newest) {
      throw base::Error(
          base::Fault::invalid,
          base::text(
              "the database is of version ", version, ", this program knows those up to ", newest));
    }
    if (version == newest) return;
    for (const auto& migration : std::span(kMigrations).subspan(static_cast<size_t>(version))) {
      for (const auto* statement : migration) run_in_dialect(sql, statement);
    }
    set_version(sql, newest);
  });
}

}  // namespace tasks
