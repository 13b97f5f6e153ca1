// SPDX-License-Identifier: Apache-2.0
// Many threads, one writer: those that wait while a batch is written make up the next one, and the
// first among them writes it for all, as in LevelDB's queue of writers. One fsync serves a batch.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <span>

#include "tasks/database.h"

namespace tasks {

class GroupCommit {
 public:
  struct Job {
    const Database::WriteBody* body;
    std::exception_ptr error;  // set by `write_batch` for a job that failed
  };
  using Batch = std::span<Job* const>;

  // `write_batch` returns when the batch is durable. What it throws is thrown by every job of the
  // batch. It is never called by two threads at once.
  explicit GroupCommit(std::function<void(Batch)> write_batch)
      : write_batch_(std::move(write_batch)) {}

  // Returns when `body` is durable, or throws what it threw.
  void run(const Database::WriteBody& body);

  // How many threads wait for their turn or are being written.
  size_t waiting() const;

  // Waits its turn and runs `work` alone, outside of any batch.
  void run_alone(const std::function<void()>& work);

 private:
  struct Waiter {
    Job job;
    const std::function<void()>* alone = nullptr;
    bool is_done = false;
    std::condition_variable turn;
  };

  void wait_and_lead(Waiter& waiter);
  // The waiters from the front on that go into one batch.
  std::vector<Waiter*> next_batch() const;
  void write(const std::vector<Waiter*>& batch);

  std::function<void(Batch)> write_batch_;
  mutable std::mutex mutex_;
  std::deque<Waiter*> queue_;
};

}  // namespace tasks
