// SPDX-License-Identifier: Apache-2.0
// Webhooks on their way out: taken from the store's outbox, signed and sent. Nothing waits for
// them.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/client.h"
#include "tasks/store.h"

namespace api {

struct Context;

// Throws Error(invalid) where the address is none that a webhook may have: http or https, a host,
// no user name. Where it leads is decided when it is called. Empty is no webhook.
void check_webhook(const std::string& url);

// "v3,<hex>": HMAC-SHA256 of "id.timestamp.body" by the text behind "whsec_" (wire-apis A7).
std::string webhook_signature(const std::string& secret,
                              const std::string& id,
                              const std::string& timestamp,
                              const std::string& body);

// What is sent for a task, by the wire it came over.
std::string webhook_body(const Context& context, const tasks::Task& task);

// Threads that deliver.
class Webhooks {
 public:
  explicit Webhooks(http::EgressPolicy wall);
  Webhooks(const Webhooks&) = delete;
  Webhooks& operator=(const Webhooks&) = delete;
  ~Webhooks();

  // Once, with `context` that outlives this.
  void start(const Context& context, int threads);
  // Something may be due.
  void wake();
  // Lets what is being sent come to its end.
  void stop();

  // Sends a body once, unsigned, whatever becomes of it. Returns at once.
  void send_once(const std::string& url, const std::string& body);

 private:
  void work(const Context& context);
  void deliver(const Context& context, const tasks::Delivery& delivery);
  void send_unsigned(const std::string& url, const std::string& body);

  http::Client client_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_due_ = false;
  bool is_stopping_ = false;
  std::vector<std::pair<std::string, std::string>> once_;
  std::vector<std::thread> threads_;
};

}  // namespace api
