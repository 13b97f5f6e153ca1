// SPDX-License-Identifier: Apache-2.0
#include "worker/lease.h"

#include "base/error.h"

namespace worker {

Lease::Lease(const Server& server,
             const Task& task,
             base::Clock clock,
             std::function<bool()> is_ending)
    : server_(server),
      task_(task),
      clock_(std::move(clock)),
      is_ending_(std::move(is_ending)),
      progress_{.phase = "load"},
      renewed_at_(clock_.steady()) {}

// The lease lasts from the moment at which the server hears of it, which is later than this one.
void Lease::beat() {
  const auto sent_at = clock_.steady();
  Progress progress;
  {
    const std::lock_guard lock(mutex_);
    progress = progress_;
  }
  try {
    const auto wish = server_.heartbeat(task_, progress);
    const std::lock_guard lock(mutex_);
    renewed_at_ = sent_at;
    wish_ = {.cancel = wish_.cancel || wish.cancel, .drain = wish_.drain || wish.drain};
  } catch (...) {
    // Any other failure is the next heartbeat's business, until the lease is over.
    if (base::current_error().fault() == base::Fault::conflict) lose();
  }
}

void Lease::report(pipelines::Phase phase, int done, int total) {
  note(estimate_.at(phase, done, total, clock_.steady()));
  check_is_wanted();
  const bool is_last_phase = phase == pipelines::Phase::decode;
  if (!is_last_phase && (is_ending_() || is_told_to_drain())) throw base::Cancelled();
}

void Lease::report_publishing() {
  note({.phase = "publish", .percent = 99});
  check_is_wanted();
}

bool Lease::is_lost() const {
  const std::lock_guard lock(mutex_);
  return is_lost_ || clock_.steady() - renewed_at_ > task_.lease.count() * 2 / 3;
}

bool Lease::is_cancelled() const {
  const std::lock_guard lock(mutex_);
  return wish_.cancel;
}

bool Lease::is_told_to_drain() const {
  const std::lock_guard lock(mutex_);
  return wish_.drain;
}

void Lease::lose() {
  const std::lock_guard lock(mutex_);
  is_lost_ = true;
}

void Lease::note(const Progress& progress) {
  const std::lock_guard lock(mutex_);
  progress_ = progress;
}

void Lease::check_is_wanted() const {
  if (is_lost() || is_cancelled()) throw base::Cancelled();
}

}  // namespace worker
