// SPDX-License-Identifier: Apache-2.0
// What a worker and its server tell each other. Attempts are fenced: every message about a task
// carries the attempt and its token, and what comes too late is refused.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace worker {

// The right to one attempt at one task.
struct Task {
  std::string id;
  int64_t attempt = 0;
  std::string token;
  std::string endpoint;  // for the log
  std::string kind;      // "text_to_video"
  std::string weights;   // the model that was asked for, a name in specs::models()
  std::string model;     // what to run: a name, file or folder; empty: the worker knows
  base::Json request;
  std::vector<std::string> warnings;        // of the server, for the caller: they go before our own
  std::chrono::milliseconds lease{30'000};  // from the claim and from each heartbeat on
  std::chrono::milliseconds heartbeat{5'000};  // between two of them
  int64_t out_of_memory = 0;                   // how many attempts ended so before
};

struct Progress {
  std::string phase;  // "load", "text", "denoise", "decode", "publish"
  int step = 0, steps = 0;
  double percent = 0;
  std::optional<double> eta_seconds;  // where it is known
};

// What the server wants, in its answer to a heartbeat.
struct Wish {
  bool cancel = false;  // this task is not wanted any more
  bool drain = false;   // finish or give back, and end
};

struct Output {
  std::string name;
  std::string media_type;
  uint64_t bytes = 0;
  std::string sha256;
};

struct Result {
  std::vector<Output> files;
  uint64_t seed = 0;
  std::vector<std::string> warnings;
  std::chrono::milliseconds inference{0};
  std::map<std::string, std::chrono::milliseconds> phases;  // what each took
  int steps = 0;                                            // of denoising
};

// Why an attempt ended without a result; the server decides by it what happens next.
enum class FailureClass { invalid_input, content_refused, gpu_oom, gpu_sticky, internal, upstream };
std::string_view name_of(FailureClass failure);

struct Failure {
  FailureClass kind = FailureClass::internal;
  std::string message;  // for the caller
  std::string detail;   // for the operator
};

struct Claim {
  std::string worker;
  std::vector<std::string> weights;   // the models that it can run
  std::chrono::milliseconds wait{0};  // how long the server may hold the answer back
};

// The calls. They block, and heartbeat is called while another one of them runs. They throw
// Error(conflict) where the task is not this worker's any more, Error(upstream) where the server
// cannot be reached or is not well, which is worth another try, and any other Error where that is
// not.
struct Server {
  std::function<std::optional<Task>(const Claim&)> claim;
  std::function<Wish(const Task&, const Progress&)> heartbeat;
  std::function<void(const Task&, const Output&, const std::filesystem::path& file)> put_file;
  std::function<void(const Task&, const Result&)> finish;
  std::function<void(const Task&, const Failure&)> fail;
  std::function<void(const Task&)> release;  // it costs no attempt
};

}  // namespace worker
