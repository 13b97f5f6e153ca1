// SPDX-License-Identifier: Apache-2.0
// Worker processes: started, started again when they end, told to end.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace server {

struct Child {
  std::string name;                  // of the worker
  std::vector<std::string> command;  // the program's path first
};

// How long a child that ended at once waits for its next start: 100 ms, doubled up to 10 s. One
// that lived for a minute starts at once.
struct Backoff {
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds most{10'000};
  std::chrono::milliseconds settled{60'000};
};

class Children {
 public:
  // Starts all of them. `started` gets a child's name and process id, `ended` its name and
  // how it ended ("exit 1", "signal 9"); both are called on a thread of that child.
  struct Watch {
    std::function<void(const std::string& name, int process)> started;
    std::function<void(const std::string& name, const std::string& how)> ended;
  };
  Children(std::vector<Child> children, Watch watch, Backoff backoff = {});
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children();  // stop() without patience

  // SIGTERM to all, SIGKILL to those that are still there after `patience`; returns when all ended.
  void stop(std::chrono::milliseconds patience);

 private:
  class Keeper;
  std::vector<std::unique_ptr<Keeper>> keepers_;
};

}  // namespace server
