// SPDX-License-Identifier: Apache-2.0
// The worker's life: claim a task, run it, hand over its files, and again.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "worker/lease.h"
#include "worker/server.h"
#include "worker/time.h"

namespace worker {

// What a run has made: files in its folder, named as they are there.
struct Made {
  struct File {
    std::string name;
    std::string media_type;
  };
  std::vector<File> files;
  uint64_t seed = 0;
  std::vector<std::string> warnings;
  std::chrono::milliseconds inference{0};
};

// The exit code of a worker whose GPU can only be healed by a new process.
constexpr int kGpuLost = 70;

struct Settings {
  std::string name;
  std::vector<std::string> weights;  // the models that `run` can run
  std::filesystem::path scratch;     // where folders for running tasks are made

  // Does the work and leaves its files in `folder`. Throws base::Cancelled where `lease` does.
  std::function<Made(const Task& task, const std::filesystem::path& folder, Lease& lease)> run;
  // Whether the device still answers; asked after an error that is not ours.
  std::function<bool()> is_device_alive;
  // Whether the process was told to end: by a signal, for one.
  std::function<bool()> is_ending;
  std::function<void(const std::string& line)> log;
};

class Worker {
 public:
  Worker(Settings settings, Server server, Time time);

  // Works until it is to end and returns the exit code: 0, or kGpuLost. A server that cannot be
  // reached is waited for; one that refuses this worker ends it with the Error.
  //
  // Told to end, it gives back what it works on, unless only decoding is left, which is finished.
  int work();

 private:
  std::optional<Task> claim();
  void run_one(const Task& task);
  void hand_over(const Task& task,
                 const Made& made,
                 const std::filesystem::path& folder,
                 Lease& lease);
  std::string tell(Lease& lease, const std::function<void()>& call);
  void persist(Lease& lease, const std::function<void()>& call);
  Failure current_failure() const;
  bool is_ending() const;

  Settings settings_;
  Server server_;
  Time time_;
  bool is_drained_ = false;  // told so by the server
  bool is_gpu_lost_ = false;
};

}  // namespace worker
