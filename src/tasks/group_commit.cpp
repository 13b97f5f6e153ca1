// SPDX-License-Identifier: Apache-2.0
#include "tasks/group_commit.h"

#include <algorithm>

namespace tasks {
namespace {

// Larger ones gain nothing, and make the first in line wait.
constexpr size_t kMaxBatch = 64;

}  // namespace

void GroupCommit::run(const Database::WriteBody& body) {
  Waiter waiter{.job = {&body, nullptr}};
  wait_and_lead(waiter);
}

size_t GroupCommit::waiting() const {
  const std::scoped_lock lock(mutex_);
  return queue_.size();
}

void GroupCommit::run_alone(const std::function<void()>& work) {
  Waiter waiter{.alone = &work};
  wait_and_lead(waiter);
}

void GroupCommit::wait_and_lead(Waiter& waiter) {
  std::unique_lock lock(mutex_);
  queue_.push_back(&waiter);
  waiter.turn.wait(lock, [&] { return waiter.is_done || queue_.front() == &waiter; });
  if (!waiter.is_done) {
    const auto batch = next_batch();
    lock.unlock();
    write(batch);
    lock.lock();
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(batch.size()));
    for (auto* member : batch) {
      member->is_done = true;
      if (member != &waiter) member->turn.notify_one();
    }
    if (!queue_.empty()) queue_.front()->turn.notify_one();
  }
  lock.unlock();
  if (waiter.job.error) std::rethrow_exception(waiter.job.error);
}

std::vector<GroupCommit::Waiter*> GroupCommit::next_batch() const {
  if (queue_.front()->alone != nullptr) return {queue_.front()};
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(std::min(queue_.size(), kMaxBatch));
  return {queue_.begin(), std::find_if(queue_.begin(), end, [](const Waiter* waiter) {
            return waiter->alone != nullptr;
          })};
}

void GroupCommit::write(const std::vector<Waiter*>& batch) {
  try {
    if (batch.front()->alone != nullptr) {
      (*batch.front()->alone)();
      return;
    }
    std::vector<Job*> jobs;
    for (auto* member : batch) jobs.push_back(&member->job);
    write_batch_(jobs);
  } catch (...) {
    for (auto* member : batch) member->job.error = std::current_exception();
  }
}

}  // namespace tasks
