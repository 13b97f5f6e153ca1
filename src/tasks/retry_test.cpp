// SPDX-License-Identifier: Apache-2.0
#include "tasks/retry.h"

#include <gtest/gtest.h>

namespace tasks {
namespace {

constexpr FailureClass kAll[] = {FailureClass::invalid_input,
                                 FailureClass::content_refused,
                                 FailureClass::gpu_oom,
                                 FailureClass::gpu_sticky,
                                 FailureClass::worker_lost,
                                 FailureClass::exhausted,
                                 FailureClass::upstream,
                                 FailureClass::internal,
                                 FailureClass::cancelled};

TEST(Retry, IsOverAfterThreeFailuresOfAnyKind) {
  for (const auto kind : kAll) {
    EXPECT_FALSE(judge({.all = 2}, {.kind = kind}, CancelRequested::no).is_retried);
  }
}

TEST(Retry, IsOverWhenTheTaskIsToBeCancelled) {
  for (const auto kind : kAll) {
    const auto verdict = judge({}, {.kind = kind}, CancelRequested::yes);
    EXPECT_FALSE(verdict.is_retried);
    EXPECT_EQ(verdict.failures, Failures{});
    EXPECT_EQ(verdict.code, "cancelled");
  }
}

TEST(Retry, IsForWhatMaySucceedTheNextTime) {
  for (const auto kind : kAll) {
    const bool is_expected = kind == FailureClass::gpu_oom || kind == FailureClass::gpu_sticky ||
                             kind == FailureClass::worker_lost || kind == FailureClass::exhausted ||
                             kind == FailureClass::upstream;
    EXPECT_EQ(judge({}, {.kind = kind}, CancelRequested::no).is_retried, is_expected)
        << name_of(kind);
  }
}

TEST(Retry, HasACodeAndASentenceForEveryClass) {
  for (const auto kind : kAll) {
    const auto verdict = judge({}, {.kind = kind}, CancelRequested::no);
    EXPECT_FALSE(verdict.code.empty());
    EXPECT_TRUE(verdict.message.ends_with('.'));
    EXPECT_EQ(failure_class_named(name_of(kind)), kind);
  }
}

}  // namespace
}  // namespace tasks
