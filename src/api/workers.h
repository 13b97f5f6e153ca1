// SPDX-License-Identifier: Apache-2.0
// The workers that have called lately: what makes the server ready, and what the operator sees.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace api {

struct WorkerSeen {
  std::string name;
  std::vector<std::string> weights;  // models that it can run
  std::string task;                  // that it has; empty: it waits
  int64_t seen_at = 0;               // steady milliseconds
};

// Safe to use from several threads.
class Workers {
 public:
  // How long a worker counts after its last call: a waiting one calls at least every 20 s.
  static constexpr int64_t kLifeMs = 45'000;

  void claims(const std::string& name, const std::vector<std::string>& weights, int64_t now);
  void works_on(const std::string& name, const std::string& task, int64_t now);
  void is_gone(const std::string& name);

  // Those that count, by name.
  std::vector<WorkerSeen> alive(int64_t now) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, WorkerSeen> workers_;
};

}  // namespace api
