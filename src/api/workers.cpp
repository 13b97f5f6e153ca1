// SPDX-License-Identifier: Apache-2.0
#include "api/workers.h"

namespace api {

void Workers::claims(const std::string& name,
                     const std::vector<std::string>& weights,
                     int64_t now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(workers_, [&](const auto& entry) { return now - entry.second.seen_at > kLifeMs; });
  workers_[name] = {.name = name, .weights = weights, .task = {}, .seen_at = now};
}

void Workers::works_on(const std::string& name, const std::string& task, int64_t now) {
  const std::lock_guard lock(mutex_);
  auto& worker = workers_[name];
  worker.name = name;
  worker.task = task;
  worker.seen_at = now;
}

void Workers::is_gone(const std::string& name) {
  const std::lock_guard lock(mutex_);
  workers_.erase(name);
}

std::vector<WorkerSeen> Workers::alive(int64_t now) const {
  const std::lock_guard lock(mutex_);
  std::vector<WorkerSeen> found;
  for (const auto& [name, worker] : workers_) {
    if (now - worker.seen_at <= kLifeMs) found.push_back(worker);
  }
  return found;
}

}  // namespace api
