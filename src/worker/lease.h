// SPDX-License-Identifier: Apache-2.0
// Keeping the right to a task while it is worked on, and noticing that it is gone.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "pipelines/progress.h"
#include "worker/progress.h"
#include "worker/server.h"

namespace worker {

// beat() belongs to one thread, everything else to the one that works.
//
// The lease is lost when the server says so, and when two thirds of its length passed since the
// last heartbeat that was answered set out: by then the server may be about to give the task to
// somebody else.
class Lease {
 public:
  // `is_ending` says whether the worker has been told to end.
  Lease(const Server& server, const Task& task, base::Clock clock, std::function<bool()> is_ending);

  // One heartbeat. Does not throw.
  void beat();

  // Notes where the work is. Throws base::Cancelled where it shall stop: the lease is lost, the
  // task is not wanted any more, or the worker is to end and the work is not in its last phases.
  void report(pipelines::Phase phase, int done, int total);

  // To be called when nothing is left but handing over the results. Throws base::Cancelled where
  // that is not wanted any more.
  void report_publishing();

  // What was reported, summed up.
  const ProgressEstimate& estimate() const { return estimate_; }

  bool is_lost() const;
  bool is_cancelled() const;
  bool is_told_to_drain() const;
  // The server said that the task is not this worker's any more.
  void lose();

 private:
  void note(const Progress& progress);
  void check_is_wanted() const;

  const Server& server_;
  const Task& task_;
  base::Clock clock_;
  std::function<bool()> is_ending_;
  ProgressEstimate estimate_;

  mutable std::mutex mutex_;  // of what follows
  Progress progress_;
  Wish wish_;
  int64_t renewed_at_;
  bool is_lost_ = false;
};

}  // namespace worker
