// SPDX-License-Identifier: Apache-2.0
#include "tasks/database.h"
#include "tasks/queue_sql.h"
#include "tasks/store.h"
#include "tasks/tenants.h"

namespace tasks {
namespace {

constexpr auto kCredit = R"(
INSERT INTO ledger (tenant, at, mills, task_id, key_id, endpoint, note)
VALUES (:tenant, :wall, :mills, '', '', '', :note))";

constexpr auto kBalance = R"(
SELECT balance_mills FROM tenant WHERE name = :tenant)";

constexpr auto kUsage = R"(
SELECT endpoint, at / 86400000 * 86400000 AS day, count(*), -sum(mills) FROM ledger
WHERE tenant = :tenant AND at >= :first AND at < :last AND task_id <> ''
GROUP BY endpoint, day ORDER BY day, endpoint)";

}  // namespace

void Store::credit(const std::string& tenant, int64_t mills, const std::string& note) {
  database_->run_write([&](Connection& sql, Now now) {
    make_tenant(sql, tenant);
    sql.run(kCredit, {{"tenant", tenant}, {"wall", now.wall}, {"mills", mills}, {"note", note}});
    sql.run(sql::kChangeBalance, {{"mills", mills}, {"tenant", tenant}});
  });
}

int64_t Store::balance(const std::string& tenant) {
  return database_->read([&](Connection& sql) {
    const auto rows = sql.rows<int64_t>(kBalance, {{"tenant", tenant}});
    return rows.empty() ? 0 : std::get<0>(rows[0]);
  });
}

std::vector<Usage> Store::usage(const std::string& tenant, int64_t from, int64_t to) {
  const Parameter parameters[] = {{"tenant", tenant}, {"first", from}, {"last", to}};
  return database_->read([&](Connection& sql) {
    std::vector<Usage> usage;
    Usage row;
    const Connection::Target targets[] = {&row.endpoint, &row.day, &row.tasks, &row.mills};
    sql.each_row(kUsage, parameters, targets, [&] { usage.push_back(row); });
    return usage;
  });
}

}  // namespace tasks
