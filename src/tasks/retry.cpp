// SPDX-License-Identifier: Apache-2.0
#include "tasks/retry.h"

namespace tasks {
namespace {

constexpr int64_t kMaxFailures = 3;
constexpr int64_t kMaxCrashes = 2;
constexpr int64_t kMaxOutOfMemory = 2;
// Before the second and the third attempt, where something outside is short of means or out of
// reach.
constexpr int64_t kPauseMs[] = {10'000, 60'000};

bool may_retry(FailureClass kind, const Failures& failures) {
  switch (kind) {
    case FailureClass::gpu_oom:
      return failures.out_of_memory < kMaxOutOfMemory;
    case FailureClass::gpu_sticky:
    case FailureClass::worker_lost:
      return failures.crashes < kMaxCrashes;
    case FailureClass::exhausted:
    case FailureClass::upstream:
      return true;
    default:
      return false;
  }
}

std::string default_message(FailureClass kind) {
  switch (kind) {
    case FailureClass::invalid_input:
      return "The input cannot be used.";
    case FailureClass::content_refused:
      return "The content was refused.";
    case FailureClass::gpu_oom:
      return "The request does not fit into the GPU's memory.";
    case FailureClass::gpu_sticky:
    case FailureClass::worker_lost:
      return "The worker broke down repeatedly while it ran this task.";
    case FailureClass::exhausted:
      return "The worker is short of memory or disk.";
    case FailureClass::upstream:
      return "Something that the task needs cannot be reached.";
    case FailureClass::cancelled:
      return "The task was cancelled.";
    default:
      return "An internal error stopped the task.";
  }
}

bool is_crash(FailureClass kind) {
  return kind == FailureClass::gpu_sticky || kind == FailureClass::worker_lost;
}

}  // namespace

Failure cancelled() {
  return {.kind = FailureClass::cancelled};
}

Verdict judge(const Failures& earlier, const Failure& failure, CancelRequested cancel_requested) {
  if (cancel_requested == CancelRequested::yes && failure.kind != FailureClass::cancelled) {
    return judge(earlier, cancelled(), CancelRequested::yes);
  }
  Verdict verdict{.failures = earlier};
  const auto kind = failure.kind;
  verdict.code = !failure.code.empty() ? failure.code
                 : is_crash(kind)      ? "worker_crashed"
                                       : std::string(name_of(kind));
  verdict.message = failure.message.empty() ? default_message(kind) : failure.message;
  if (kind == FailureClass::cancelled) return verdict;

  ++verdict.failures.all;
  if (is_crash(kind)) ++verdict.failures.crashes;
  if (kind == FailureClass::gpu_oom) ++verdict.failures.out_of_memory;
  verdict.is_retried = verdict.failures.all < kMaxFailures && may_retry(kind, verdict.failures);
  if (kind == FailureClass::exhausted || kind == FailureClass::upstream) {
    if (verdict.is_retried) verdict.pause_ms = kPauseMs[verdict.failures.all - 1];
  }
  return verdict;
}

}  // namespace tasks
