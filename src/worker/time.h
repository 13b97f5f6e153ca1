// SPDX-License-Identifier: Apache-2.0
// Time passing, as a worker needs it; tests put a time of their own in place.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "base/clock.h"

namespace worker {

struct Time {
  base::Clock clock;
  std::function<void(std::chrono::milliseconds)> wait;
  // Calls `tick` again and again, from a thread of its own, until what it gave back is gone.
  std::function<std::shared_ptr<void>(std::chrono::milliseconds interval,
                                      std::function<void()> tick)>
      every;
};

Time system_time();

}  // namespace worker
