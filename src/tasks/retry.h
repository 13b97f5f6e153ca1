// SPDX-License-Identifier: Apache-2.0
// What happens after an attempt without result: again, or the end.
//
//   class                        again
//   invalid_input, content_refused, internal    never
//   gpu_oom                      once
//   gpu_sticky, worker_lost      once: what brought down two workers may bring down them all
//   exhausted, upstream          after a pause
//
// and never after the third failure, nor when the task is to be cancelled. A released attempt has
// not failed.
#pragma once

#include <cstdint>
#include <string>

#include "tasks/task.h"

namespace tasks {

// How a task's attempts have failed.
struct Failures {
  int64_t all = 0;
  int64_t crashes = 0;        // gpu_sticky and worker_lost
  int64_t out_of_memory = 0;  // gpu_oom

  bool operator==(const Failures&) const = default;
};

struct Verdict {
  Failures failures;  // with this one
  bool is_retried = false;
  int64_t pause_ms = 0;  // before the next attempt
  std::string code;      // of the failed task
  std::string message;
};

enum class CancelRequested : bool { no, yes };

Verdict judge(const Failures& earlier, const Failure& failure, CancelRequested cancel_requested);

// The failure that ends a cancelled task.
Failure cancelled();

}  // namespace tasks
