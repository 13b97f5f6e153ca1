// SPDX-License-Identifier: Apache-2.0
// All keys in memory for a short while: a request costs no read of the database, and an unknown key
// takes as long to refuse as a known one.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "tasks/task.h"

namespace tasks {

struct StoredKey {
  Key key;
  std::string secret_sha256;
};
using StoredKeys = std::unordered_map<std::string, StoredKey>;

class KeyCache {
 public:
  explicit KeyCache(base::Clock clock) : clock_(std::move(clock)) {}

  // What `load` returned within the last ten seconds and since the last forget().
  std::shared_ptr<const StoredKeys> get(const std::function<StoredKeys()>& load);

  void forget();

 private:
  base::Clock clock_;
  std::mutex mutex_;
  std::shared_ptr<const StoredKeys> keys_;
  int64_t loaded_at_ = 0;
};

}  // namespace tasks
