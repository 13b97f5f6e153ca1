// SPDX-License-Identifier: Apache-2.0
#include "history.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"

namespace bench {
namespace {

using base::text;

constexpr int64_t kRowsAtOnce = 100'000;
constexpr int64_t kDayMs = 86'400'000;

// Rows :first to :last.
constexpr auto kNumbers =
    "WITH RECURSIVE n (i) AS (SELECT CAST(:first AS BIGINT)"
    " UNION ALL SELECT i + 1 FROM n WHERE i < :last) ";

constexpr auto kInsert =
    "INSERT INTO task (id, tenant, key_id, endpoint, wire, weights, input, request, price_mills,"
    " priority, webhook_url, body_hash, created_at, event_sequence, state, attempt, started_at,"
    " finished_at) SELECT {moment} || {random}, 'tenant-' || (i % 20), 'key-' || (i % 20), "
    ":endpoint, 'wavespeed',"
    " :weights, :input, :request, 150, 0, '', '', :at + i, ";
constexpr auto kFinished = "3, 'completed', 1, :at + i, :at + i FROM n";
constexpr auto kWaiting = "1, 'created', 0, 0, 0 FROM n";

constexpr auto kOutput =
    "INSERT INTO output (task, position, name, media_type, bytes, sha256)"
    " SELECT i, 0, 'video.mp4', 'video/mp4', 5000000, :sha256 FROM n";

// Ids as the store makes them, tasks/submit.cpp.
std::string insert_in(const tasks::Connection& sql, const char* rest) {
  auto statement = std::string(kNumbers) + kInsert + rest;
  const auto replace = [&](std::string_view what, const char* with) {
    statement.replace(statement.find(what), what.size(), with);
  };
  const bool is_sqlite = sql.dialect() == tasks::Dialect::sqlite;
  replace(
      "{moment}",
      is_sqlite ? "printf('%012x', :at + i)" : "lpad(to_hex(CAST(:at AS BIGINT) + i), 12, '0')");
  replace("{random}",
          is_sqlite ? "lower(hex(randomblob(10)))" : "substr(md5(random()::text), 1, 20)");
  return statement;
}

void insert_tasks(
    tasks::Connection& sql, const char* rest, int64_t first, int64_t last, int64_t created_at) {
  const auto task = submission(0);
  sql.run(insert_in(sql, rest),
          {{"first", first},
           {"last", last},
           {"endpoint", task.endpoint},
           {"weights", task.weights},
           {"input", task.input},
           {"request", task.request},
           {"at", created_at}});
}

void insert_events(tasks::Connection& sql, const char* event, int64_t first, int64_t last) {
  sql.run(text(kNumbers,
               "INSERT INTO task_event (task, sequence, name, data, at) SELECT i, ",
               event,
               ", '{}', i FROM n"),
          {{"first", first}, {"last", last}});
}

void insert_lanes(tasks::Connection& sql, int64_t waiting) {
  for (int64_t i = 0; i < kTenants; ++i) {
    sql.run("INSERT INTO tenant (name, webhook_secret) VALUES (:name, :secret)",
            {{"name", text("tenant-", i)}, {"secret", crypto::random_hex(16)}});
    sql.run(
        "INSERT INTO lane (key_id, tenant, queued, max_running, held_mills)"
        " VALUES (:key_id, :tenant, :queued, :max_running, :held_mills)",
        {{"key_id", text("key-", i)},
         {"tenant", text("tenant-", i)},
         {"queued", waiting / kTenants},
         {"max_running", tasks::kNoLimit},
         {"held_mills", waiting / kTenants * 150}});
  }
}

}  // namespace

tasks::NewTask submission(int64_t number) {
  return {.tenant = text("tenant-", number % kTenants),
          .key_id = text("key-", number % kTenants),
          .endpoint = "wavespeed-ai/wan-2.2/t2v-720p",
          .wire = "wavespeed",
          .weights = "wan2.2-t2v-a14b",
          .input = R"({"prompt":")" + std::string(300, 'p') + R"(","size":"1280*720"})",
          .request = R"({"request":{"prompt":")" + std::string(300, 'p') +
                     R"(","steps":40},"warnings":[]})",
          .price_mills = 150,
          .body_hash = crypto::random_hex(32)};
}

void fill(tasks::Database& database, int64_t finished, int64_t waiting) {
  const auto in_steps = [](int64_t first, int64_t last, const auto& insert) {
    for (; first <= last; first += kRowsAtOnce) {
      insert(first, std::min(last, first + kRowsAtOnce - 1));
    }
  };
  in_steps(1, finished, [&](int64_t first, int64_t last) {
    database.run_write([&](tasks::Connection& sql, tasks::Now now) {
      insert_tasks(sql, kFinished, first, last, now.wall - kDayMs);
      sql.run(text(kNumbers, kOutput),
              {{"first", first}, {"last", last}, {"sha256", crypto::sha256_hex("video")}});
      for (const auto* event : {"1, 'created'", "2, 'processing'", "3, 'completed'"}) {
        insert_events(sql, event, first, last);
      }
    });
  });
  database.run_write([&](tasks::Connection& sql, tasks::Now) { insert_lanes(sql, waiting); });
  in_steps(finished + 1, finished + waiting, [&](int64_t first, int64_t last) {
    database.run_write([&](tasks::Connection& sql, tasks::Now now) {
      insert_tasks(sql, kWaiting, first, last, now.wall - kDayMs);
      insert_events(sql, "1, 'created'", first, last);
    });
  });
}

}  // namespace bench
