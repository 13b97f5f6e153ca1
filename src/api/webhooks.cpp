// SPDX-License-Identifier: Apache-2.0
#include "api/webhooks.h"

#include <algorithm>

#include "api/context.h"
#include "api/jiekou.h"
#include "api/prediction.h"
#include "base/error.h"
#include "base/text.h"
#include "catalog/field.h"
#include "catalog/values.h"
#include "crypto/digest.h"
#include "logging/log.h"

namespace api {
namespace {

using base::text;
using std::chrono::milliseconds;

constexpr milliseconds kTotalTime{15'000};
constexpr milliseconds kLookAgain{1'000};  // what is due by its time is not told
constexpr uint64_t kMostAnswer = 64 << 10;
constexpr size_t kMostOnce = 100;
constexpr std::string_view kSecretPrefix = "whsec_";

int64_t retry_after_ms(const http::Reply& reply) {
  const auto* seconds = http::find(reply.headers, "retry-after");
  if (seconds == nullptr || seconds->empty() || seconds->size() > 6 ||
      !std::ranges::all_of(*seconds, [](char c) { return c >= '0' && c <= '9'; })) {
    return 0;
  }
  return std::stoll(*seconds) * 1000;
}

}  // namespace

void check_webhook(const std::string& url) {
  if (url.empty() || (catalog::is_url(url) && url.size() <= catalog::kMaxUrlCharacters)) return;
  throw base::Error(
      base::Fault::invalid,
      text("webhook: is not ", catalog::rule_text(catalog::Url{}), ", without a user name"));
}

std::string webhook_signature(const std::string& secret,
                              const std::string& id,
                              const std::string& timestamp,
                              const std::string& body) {
  const auto key = secret.starts_with(kSecretPrefix) ? secret.substr(kSecretPrefix.size()) : secret;
  return "v3," + crypto::hmac_sha256_hex(key, text(id, '.', timestamp, '.', body));
}

std::string webhook_body(const Context& context, const tasks::Task& task) {
  if (task.wire != "jiekou") return webhook_prediction(context, task).dump();
  return jiekou::webhook_event(jiekou::task_result(context, Links(context), task)).dump();
}

Webhooks::Webhooks(http::EgressPolicy wall) : client_({.wall = std::move(wall)}) {}

Webhooks::~Webhooks() {
  stop();
}

void Webhooks::start(const Context& context, int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this, &context] { work(context); });
}

void Webhooks::wake() {
  const std::lock_guard lock(mutex_);
  is_due_ = true;
  changed_.notify_one();
}

void Webhooks::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void Webhooks::send_once(const std::string& url, const std::string& body) {
  const std::lock_guard lock(mutex_);
  if (once_.size() < kMostOnce) once_.emplace_back(url, body);
  changed_.notify_one();
}

void Webhooks::work(const Context& context) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait_for(lock, kLookAgain, [&] { return is_due_ || is_stopping_ || !once_.empty(); });
    if (is_stopping_) return;
    is_due_ = false;
    const auto once = std::exchange(once_, {});
    lock.unlock();
    for (const auto& [url, body] : once) send_unsigned(url, body);
    try {
      for (const auto& delivery : context.store.claim_deliveries(1)) {
        wake();  // there may be more, for another thread
        deliver(context, delivery);
      }
    } catch (...) {
      const auto error = base::current_error();
      logging::error("webhooks cannot be taken from the store",
                     {{"error", error.what()}, {"detail", error.detail()}});
    }
    lock.lock();
  }
}

void Webhooks::deliver(const Context& context, const tasks::Delivery& delivery) {
  tasks::DeliveryResult result;
  std::string problem;
  try {
    const auto body = webhook_body(context, delivery.task);
    const auto timestamp = std::to_string(context.clock.wall() / 1000);
    const auto secret = context.store.webhook_secret(delivery.task.tenant);
    const auto reply =
        client_.send({.method = "POST",
                      .url = delivery.url,
                      .headers = {{"content-type", "application/json"},
                                  {"webhook-id", delivery.id},
                                  {"webhook-timestamp", timestamp},
                                  {"webhook-signature",
                                   webhook_signature(secret, delivery.id, timestamp, body)}},
                      .body = body,
                      .max_bytes = kMostAnswer,
                      .total_time = kTotalTime});
    result = {.status = reply.status, .retry_after_ms = retry_after_ms(reply)};
  } catch (...) {
    problem = text(base::current_error().what(), ' ', base::current_error().detail());
  }
  context.store.delivery_done(delivery, result);
  context.metrics.delivered(result.status >= 200 && result.status < 300);
  logging::info("webhook",
                {{"task", delivery.task.id},
                 {"attempt", delivery.attempt},
                 {"status", result.status},
                 {"problem", problem}});
}

void Webhooks::send_unsigned(const std::string& url, const std::string& body) {
  try {
    client_.send({.method = "POST",
                  .url = url,
                  .headers = {{"content-type", "application/json"}},
                  .body = body,
                  .max_bytes = kMostAnswer,
                  .total_time = kTotalTime});
  } catch (...) {
    logging::info("a test webhook failed", {{"problem", base::current_error().what()}});
  }
}

}  // namespace api
