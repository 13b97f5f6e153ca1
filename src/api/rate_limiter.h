// SPDX-License-Identifier: Apache-2.0
// How often somebody may call: the generic cell rate algorithm (ITU-T I.371), which needs one
// number per caller.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace api {

// Safe to use from several threads. Times are milliseconds of the steady clock.
class RateLimiter {
 public:
  // Whether `name` may call now, of `per_minute` calls that may come in one burst. 0: it may, and
  // is counted; else how many milliseconds are left until it may.
  int64_t wait_ms(const std::string& name, int64_t per_minute, int64_t now);

  size_t size() const;

 private:
  void forget_idle(int64_t now);

  mutable std::mutex mutex_;
  // When a caller's burst will have drained, in microseconds. One that has is not in the map for
  // long.
  std::unordered_map<std::string, int64_t> drained_at_;
  size_t clean_at_ = 1024;
};

}  // namespace api
