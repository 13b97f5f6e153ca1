// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "base/text.h"
#include "crypto/random.h"
#include "tasks/database.h"
#include "tasks/delivery_sql.h"
#include "tasks/store.h"
#include "tasks/task_rows.h"
#include "tasks/tenants.h"

namespace tasks {
namespace {

constexpr int64_t kSecond = 1000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;

constexpr int64_t kLeaseMs = kMinute;  // senders give up after 15 s
// Before each attempt, as Standard Webhooks gives them: 75 hours in all.
constexpr std::array<int64_t, 10> kPauseMs = {0,
                                              5 * kSecond,
                                              5 * kMinute,
                                              30 * kMinute,
                                              2 * kHour,
                                              5 * kHour,
                                              10 * kHour,
                                              14 * kHour,
                                              20 * kHour,
                                              24 * kHour};
constexpr auto kMaxAttempts = static_cast<int64_t>(kPauseMs.size());
constexpr int64_t kMaxRetryAfterMs = 24 * kHour;
constexpr int64_t kGone = 410;

// A fifth more or less, so that what failed together does not come back together.
int64_t with_jitter(int64_t pause_ms) {
  const auto byte = static_cast<unsigned char>(crypto::random_bytes(1)[0]);
  return pause_ms * (800 + 400 * byte / 255) / 1000;
}

std::optional<Delivery> claim_delivery(Connection& sql, Now now) {
  const auto ids = sql.rows<std::string>(sql::kDueDeliveries, {{"steady", now.steady}});
  if (ids.empty()) return std::nullopt;
  Delivery delivery{.id = std::get<0>(ids[0]), .token = crypto::random_hex(16)};
  int64_t number = 0;
  const Connection::Target targets[] = {&number, &delivery.attempt, &delivery.url};
  const Parameter parameters[] = {
      {"token", delivery.token}, {"deadline", now.steady + kLeaseMs}, {"id", delivery.id}};
  sql.each_row(sql::kTakeDelivery, parameters, targets, [] {});
  delivery.task = read_task(sql, number);
  return delivery;
}

}  // namespace

std::vector<Delivery> Store::claim_deliveries(int64_t limit) {
  return database_->write([&](Connection& sql, Now now) {
    sql.run(sql::kAbandonDeliveries, {{"steady", now.steady}, {"max_attempts", kMaxAttempts}});
    std::vector<Delivery> deliveries;
    while (static_cast<int64_t>(deliveries.size()) < limit) {
      auto delivery = claim_delivery(sql, now);
      if (!delivery) break;
      deliveries.push_back(*std::move(delivery));
    }
    return deliveries;
  });
}

void Store::delivery_done(const Delivery& delivery, const DeliveryResult& result) {
  const bool is_delivered = result.status >= 200 && result.status < 300;
  const bool is_over = result.status == kGone || delivery.attempt >= kMaxAttempts;
  const auto rows = database_->write([&](Connection& sql, Now now) {
    std::vector<Parameter> parameters = {
        {"status", result.status}, {"id", delivery.id}, {"token", delivery.token}};
    if (is_delivered || is_over) {
      parameters.emplace_back("state", is_delivered ? "delivered" : "abandoned");
      return sql.run(sql::kEndDelivery, parameters);
    }
    const auto pause = std::max(with_jitter(kPauseMs.at(static_cast<size_t>(delivery.attempt))),
                                std::min(result.retry_after_ms, kMaxRetryAfterMs));
    parameters.emplace_back("due_at", now.steady + pause);
    return sql.run(sql::kRetryDelivery, parameters);
  });
  if (rows == 0) {
    throw base::Error(base::Fault::conflict, base::text("lease lost: delivery ", delivery.id));
  }
}

void Store::replay_delivery(const std::string& tenant, const std::string& task) {
  const auto rows = database_->write([&](Connection& sql, Now now) {
    return sql.run(sql::kReplayDelivery,
                   {{"steady", now.steady}, {"tenant", tenant}, {"id", task}});
  });
  if (rows == 0) {
    throw base::Error(base::Fault::not_found, base::text("no webhook of task ", task));
  }
  tell(Change::Kind::delivery, task);
}

std::string Store::webhook_secret(const std::string& tenant) {
  return database_->write([&](Connection& sql, Now) {
    make_tenant(sql, tenant);
    return std::get<0>(
        sql.rows<std::string>("SELECT webhook_secret FROM tenant WHERE name = :tenant",
                              {{"tenant", tenant}})
            .at(0));
  });
}

}  // namespace tasks
