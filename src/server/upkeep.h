// SPDX-License-Identifier: Apache-2.0
// What has to be done now and then: leases that ran out, tasks and files whose time is over.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "api/context.h"

namespace server {

// One round at a time `now`, in steady milliseconds; what is due is remembered between rounds.
class Rounds {
 public:
  explicit Rounds(api::Context& context) : context_(context) {}
  void run(int64_t now);

 private:
  void end_leases();
  void forget_old();

  api::Context& context_;
  int64_t tidy_at_ = 0, forget_at_ = 0, collect_at_ = 0;
};

// A thread that makes a round every second.
class Upkeep {
 public:
  // `failed` is called, once, when the disk has failed and the process should end.
  Upkeep(api::Context& context, std::function<void()> failed);
  Upkeep(const Upkeep&) = delete;
  Upkeep& operator=(const Upkeep&) = delete;
  ~Upkeep();

 private:
  void work();

  api::Context& context_;
  std::function<void()> failed_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace server
