// SPDX-License-Identifier: Apache-2.0
#include "tasks/group_commit.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

namespace tasks {
namespace {

constexpr size_t kThreads = 8;

// Threads that each call `work` once, with their number.
void run_threads(const std::function<void(size_t)>& work) {
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < kThreads; ++i) threads.emplace_back([&work, i] { work(i); });
}

// Marks a job's body, which is not run here.
const Database::WriteBody kGood = [](Connection&, Now) {};

TEST(GroupCommit, WritesTogetherWhatWaitsTogether) {
  std::vector<size_t> sizes;
  GroupCommit* group = nullptr;
  GroupCommit commits([&](GroupCommit::Batch batch) {
    sizes.push_back(batch.size());
    // The first writes until all others wait.
    while (sizes.size() == 1 && group->waiting() < kThreads) std::this_thread::yield();
  });
  group = &commits;
  run_threads([&](size_t) { commits.run(kGood); });
  EXPECT_EQ(sizes.size(), 2u);
  EXPECT_EQ(sizes[0] + sizes[1], kThreads);
  EXPECT_EQ(commits.waiting(), 0u);
}

TEST(GroupCommit, GivesEachJobItsOwnError) {
  const Database::WriteBody bad = [](Connection&, Now) {};
  GroupCommit commits([&](GroupCommit::Batch batch) {
    for (auto* job : batch) {
      if (job->body == &bad) job->error = std::make_exception_ptr(std::runtime_error("bad"));
    }
  });
  std::atomic<int> errors = 0;
  run_threads([&](size_t i) {
    try {
      commits.run(i % 2 == 0 ? bad : kGood);
    } catch (const std::runtime_error&) {
      errors += i % 2 == 0 ? 1 : 1000;
    }
  });
  EXPECT_EQ(errors, kThreads / 2);
}

TEST(GroupCommit, TellsAllOfABatchWhenItCannotBeWritten) {
  std::atomic<bool> is_full = true;
  GroupCommit commits([&](GroupCommit::Batch) {
    if (is_full) throw std::runtime_error("full");
  });
  std::atomic<int> errors = 0;
  run_threads([&](size_t) {
    try {
      commits.run(kGood);
    } catch (const std::runtime_error&) {
      ++errors;
    }
  });
  EXPECT_EQ(errors, kThreads);
  is_full = false;
  EXPECT_NO_THROW(commits.run(kGood));
}

TEST(GroupCommit, LetsWorkRunAlone) {
  std::atomic<int> inside = 0;
  std::atomic<int> worst = 0;
  const auto enter = [&] {
    worst = std::max(worst.load(), ++inside);
    std::this_thread::yield();
    --inside;
  };
  GroupCommit commits([&](GroupCommit::Batch) { enter(); });
  run_threads([&](size_t i) {
    for (int round = 0; round < 100; ++round) {
      if (i % 2 == 0) commits.run(kGood);
      if (i % 2 == 1) commits.run_alone(enter);
    }
  });
  EXPECT_EQ(worst, 1);
}

}  // namespace
}  // namespace tasks
