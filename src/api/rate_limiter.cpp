// SPDX-License-Identifier: Apache-2.0
#include "api/rate_limiter.h"

#include <algorithm>

namespace api {

int64_t RateLimiter::wait_ms(const std::string& name, int64_t per_minute, int64_t now) {
  constexpr int64_t kMinute = 60'000'000;  // microseconds
  const auto now_us = now * 1000;
  const auto interval = kMinute / std::max<int64_t>(1, std::min(per_minute, kMinute));
  const std::lock_guard lock(mutex_);
  auto& drained_at = drained_at_[name];
  const auto next = std::max(drained_at, now_us) + interval;
  const auto early = next - kMinute - now_us;
  if (early > 0) return (early + 999) / 1000;
  drained_at = next;
  if (drained_at_.size() > clean_at_) forget_idle(now_us);
  return 0;
}

size_t RateLimiter::size() const {
  const std::lock_guard lock(mutex_);
  return drained_at_.size();
}

void RateLimiter::forget_idle(int64_t now) {
  std::erase_if(drained_at_, [&](const auto& caller) { return caller.second <= now; });
  clean_at_ = std::max<size_t>(1024, 2 * drained_at_.size());
}

}  // namespace api
