// SPDX-License-Identifier: Apache-2.0
#include "tasks/key_cache.h"

namespace tasks {
namespace {

constexpr int64_t kLifeMs = 10'000;

}  // namespace

std::shared_ptr<const StoredKeys> KeyCache::get(const std::function<StoredKeys()>& load) {
  const std::scoped_lock lock(mutex_);
  if (!keys_ || clock_.steady() - loaded_at_ >= kLifeMs) {
    loaded_at_ = clock_.steady();
    keys_ = std::make_shared<const StoredKeys>(load());
  }
  return keys_;
}

void KeyCache::forget() {
  const std::scoped_lock lock(mutex_);
  keys_ = nullptr;
}

}  // namespace tasks
