// SPDX-License-Identifier: Apache-2.0
#include "server/upkeep.h"

#include "base/error.h"
#include "logging/log.h"

namespace server {
namespace {

using std::chrono::seconds;

constexpr int64_t kTidyMs = 5'000;
constexpr int64_t kForgetMs = 60'000;
constexpr int64_t kCollectMs = 3'600'000;

}  // namespace

void Rounds::run(int64_t now) {
  end_leases();
  if (now >= tidy_at_) {
    tidy_at_ = now + kTidyMs;
    context_.store.tidy();
  }
  if (now >= forget_at_) {
    forget_at_ = now + kForgetMs;
    forget_old();
  }
  if (now >= collect_at_) {
    collect_at_ = now + kCollectMs;
    const auto gone = context_.objects.collect([&](const objects::ResultName& name) {
      return context_.store.holds_files(name.task, name.attempt);
    });
    if (gone.bytes > 0) {
      logging::info("files removed",
                    {{"results", gone.results},
                     {"uploads", gone.uploads},
                     {"temporaries", gone.temporaries},
                     {"bytes", gone.bytes}});
    }
  }
}

void Rounds::end_leases() {
  for (const auto& task : context_.store.rescue()) {
    logging::warning(
        "a lease ran out",
        {{"task", task.task}, {"attempt", task.attempt}, {"state", tasks::name_of(task.state)}});
  }
}

// Files before rows: a row without files is found again, a file without a row is not.
void Rounds::forget_old() {
  const auto before = context_.clock.wall() - context_.settings.retention_ms;
  while (true) {
    const auto expired = context_.store.expired_tasks(before);
    if (expired.empty()) return;
    for (const auto& task : expired) context_.objects.remove_results(task.id);
    context_.store.purge(expired);
    logging::info("tasks forgotten", {{"count", expired.size()}});
  }
}

Upkeep::Upkeep(api::Context& context, std::function<void()> failed)
    : context_(context), failed_(std::move(failed)), thread_([this] { work(); }) {}

Upkeep::~Upkeep() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void Upkeep::work() {
  Rounds rounds(context_);
  bool has_told = false;
  std::unique_lock lock(mutex_);
  while (!is_stopping_) {
    lock.unlock();
    try {
      rounds.run(context_.clock.steady());
    } catch (...) {
      const auto error = base::current_error();
      logging::error("upkeep failed", {{"error", error.what()}, {"detail", error.detail()}});
    }
    if (!has_told && (context_.store.has_failed() || context_.objects.has_failed())) {
      has_told = true;
      failed_();
    }
    lock.lock();
    changed_.wait_for(lock, seconds(1), [&] { return is_stopping_; });
  }
}

}  // namespace server
