// SPDX-License-Identifier: Apache-2.0
// What is measured, in Prometheus' text form. Names: docs/operating.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/task.h"

namespace api {

// What a worker says of its time, in milliseconds.
struct Work {
  std::map<std::string, int64_t> phases;  // "load", "text", "denoise", "decode"
  int64_t steps = 0;                      // of "denoise"
};

// Safe to use from several threads.
class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  void requested(std::string_view route, const std::string& method, int status, int64_t ms);
  void delivered(bool was_taken);

  // A task's first attempt begins, after it waited this long; an attempt has done its work; a task
  // has come to its end.
  void started(const std::string& model, int64_t waited_ms);
  void worked(const Work& work);
  void ended(const tasks::Ending& ending);

  // Gauges are what they are now: the caller asks the store.
  struct Now {
    std::vector<tasks::QueueLoad> loads;
    size_t workers = 0;
    size_t connections = 0;
    uint64_t disk_room = 0;
    int64_t wall_ms = 0;
  };
  std::string text(const Now& now);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace api
