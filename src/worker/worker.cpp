// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.h"

#include <algorithm>
#include <fstream>
#include <new>
#include <utility>

#include <c10/util/Exception.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/digest.h"

namespace worker {
namespace {

namespace fs = std::filesystem;
using base::Fault;
using base::text;
using std::chrono::milliseconds;

// How long the server may hold back that there is nothing to do; as long may draining take.
constexpr milliseconds kClaimWait{5'000};

// How long a server that is not well is asked to take results, while it goes on to answer
// heartbeats.
constexpr milliseconds kPatience{300'000};

// Pauses between tries.
class Backoff {
 public:
  milliseconds next() { return std::exchange(pause_, std::min(2 * pause_, kLongest)); }

 private:
  static constexpr milliseconds kFirst{250}, kLongest{2'000};
  milliseconds pause_ = kFirst;
};

bool is_worth_another_try(const base::Error& error) {
  return error.fault() == Fault::upstream || error.fault() == Fault::exhausted;
}

// A folder that is gone with its task.
class Folder {
 public:
  explicit Folder(const fs::path& parent) {
    auto name = (parent / "zoetrope-task-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw base::Error(Fault::internal, "internal error", text("cannot make ", name));
    }
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code problem;
    fs::remove_all(path_, problem);
  }

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Output describe(const Made::File& made, const fs::path& file) {
  crypto::Sha256 digest;
  std::ifstream in(file, std::ios::binary);
  std::vector<char> piece(1 << 20);
  while (in.read(piece.data(), std::ssize(piece)) || in.gcount() > 0) {
    digest.add({piece.data(), static_cast<size_t>(in.gcount())});
  }
  return {.name = made.name,
          .media_type = made.media_type,
          .bytes = fs::file_size(file),
          .sha256 = digest.finish()};
}

FailureClass class_of(Fault fault) {
  switch (fault) {
    case Fault::invalid:
      return FailureClass::invalid_input;
    case Fault::exhausted:
      return FailureClass::gpu_oom;
    case Fault::upstream:
      return FailureClass::upstream;
    default:
      return FailureClass::internal;
  }
}

}  // namespace

std::string_view name_of(FailureClass failure) {
  constexpr std::string_view kNames[] = {
      "invalid_input", "content_refused", "gpu_oom", "gpu_sticky", "internal", "upstream"};
  return kNames[static_cast<size_t>(failure)];
}

Worker::Worker(Settings settings, Server server, Time time)
    : settings_(std::move(settings)), server_(std::move(server)), time_(std::move(time)) {}

int Worker::work() {
  while (!is_ending() && !is_gpu_lost_) {
    if (const auto task = claim()) run_one(*task);
  }
  return is_gpu_lost_ ? kGpuLost : 0;
}

// Nothing where there is nothing to do, or where the worker is to end.
std::optional<Task> Worker::claim() {
  const Claim wish{settings_.name, settings_.weights, kClaimWait};
  bool is_away = false;
  for (Backoff backoff; !is_ending(); time_.wait(backoff.next())) {
    try {
      auto task = server_.claim(wish);
      if (is_away) settings_.log("the server answers again");
      return task;
    } catch (const base::Error& error) {
      if (!is_worth_another_try(error)) throw;
      if (!is_away) settings_.log(text("the server does not answer, trying on: ", error.what()));
      is_away = true;
    }
  }
  return std::nullopt;
}

void Worker::run_one(const Task& task) {
  const auto name = text("task ", task.id, ", attempt ", task.attempt, ": ");
  settings_.log(name + task.endpoint);
  Lease lease(server_, task, time_.clock, [this] { return is_ending(); });
  const auto beating = time_.every(task.heartbeat, [&] { lease.beat(); });
  std::string outcome = "done";
  try {
    lease.report(pipelines::Phase::load, 0, 0);  // told to end while the claim was answered?
    const Folder folder(settings_.scratch);
    hand_over(task, settings_.run(task, folder.path(), lease), folder.path(), lease);
  } catch (const base::Cancelled&) {
    outcome = "stopped" + tell(lease, [&] { server_.release(task); });
  } catch (...) {
    const auto failure = current_failure();
    is_gpu_lost_ = failure.kind == FailureClass::gpu_sticky;
    const auto detail = failure.detail.empty() ? "" : text(" (", failure.detail, ')');
    outcome = text("failed, ", name_of(failure.kind), ": ", failure.message, detail) +
              tell(lease, [&] { server_.fail(task, failure); });
  }
  is_drained_ = is_drained_ || lease.is_told_to_drain();
  settings_.log(name + outcome);
}

void Worker::hand_over(const Task& task, const Made& made, const fs::path& folder, Lease& lease) {
  Result result{.seed = made.seed,
                .warnings = task.warnings,
                .inference = made.inference,
                .steps = lease.estimate().denoising_steps()};
  for (const auto& [phase, ms] : lease.estimate().phases()) {
    result.phases.emplace(pipelines::name_of(phase), ms);
  }
  result.warnings.insert(result.warnings.end(), made.warnings.begin(), made.warnings.end());
  for (const auto& file : made.files) {
    lease.report_publishing();
    const auto path = folder / file.name;
    const auto& output = result.files.emplace_back(describe(file, path));
    persist(lease, [&] { server_.put_file(task, output, path); });
  }
  persist(lease, [&] { server_.finish(task, result); });
}

// What is said in the log behind the outcome: nothing where the server knows it too.
std::string Worker::tell(Lease& lease, const std::function<void()>& call) {
  try {
    persist(lease, call);
    return {};
  } catch (const base::Cancelled&) {
    return "; the task is not ours any more";
  } catch (...) {
    return text("; the server was not told: ", base::current_error().what());
  }
}

// Repeats a call that the server could not answer. Throws base::Cancelled where the lease is lost.
void Worker::persist(Lease& lease, const std::function<void()>& call) {
  const auto give_up_at = time_.clock.steady() + kPatience.count();
  for (Backoff backoff;; time_.wait(backoff.next())) {
    if (lease.is_lost()) throw base::Cancelled();
    try {
      return call();
    } catch (const base::Error& error) {
      if (error.fault() == Fault::conflict) {
        lease.lose();
        throw base::Cancelled();
      }
      if (!is_worth_another_try(error) || time_.clock.steady() >= give_up_at) throw;
    }
  }
}

// To be called while an exception is handled.
Failure Worker::current_failure() const {
  const auto error = base::current_error();
  try {
    throw;
  } catch (const base::Error&) {
    return {class_of(error.fault()), error.what(), error.detail()};
  } catch (const c10::OutOfMemoryError&) {
    return {FailureClass::gpu_oom, "not enough memory on the GPU", error.detail()};
  } catch (const std::bad_alloc&) {
    return {FailureClass::gpu_oom, "not enough memory", error.detail()};
  } catch (...) {
    // A fault that outlives the call that met it: every later one will fail too.
    if (!settings_.is_device_alive()) {
      return {FailureClass::gpu_sticky, "the GPU has failed", error.detail()};
    }
    return {FailureClass::internal, error.what(), error.detail()};
  }
}

bool Worker::is_ending() const {
  return is_drained_ || settings_.is_ending();
}

}  // namespace worker
