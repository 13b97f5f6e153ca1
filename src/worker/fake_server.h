// SPDX-License-Identifier: Apache-2.0
// A server in memory that owns the time, for tests of the worker. Everything happens on one thread:
// heartbeats come when the test lets time pass. Included by tests only.
#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "worker/worker.h"

namespace worker {

struct FakeServer {
  int64_t now = 1'000'000;
  std::deque<Task> tasks;  // to be claimed; the worker is told to end after the last one

  // How it behaves.
  Wish wish;                         // the answer to heartbeats
  bool is_lost = false;              // every message about a task is refused
  int failures = 0;                  // so many calls fail from now on
  int64_t away_until = 0;            // and all of them before that
  bool is_over = false;              // the worker has been told to end
  bool is_over_after_claim = false;  // it is, while it claims

  // What it saw.
  std::vector<std::string> calls;  // in order, without claims
  int claims = 0;
  std::vector<int> pauses;  // that the worker made
  std::vector<Progress> progress;
  std::vector<Result> results;
  std::vector<Failure> reported;
  std::vector<std::string> uploaded;  // the bytes of the files
  std::vector<std::string> log;

  // Lets time pass; heartbeats happen meanwhile.
  void pass(int64_t milliseconds) {
    const auto end = now + milliseconds;
    while (tick && next_tick <= end) {
      now = std::max(now, next_tick);
      next_tick += interval;
      tick();
    }
    now = end;
  }

  Time time() {
    return {.clock = {.wall = {}, .steady = [this] { return now; }},
            .wait =
                [this](std::chrono::milliseconds pause) {
                  pauses.push_back(static_cast<int>(pause.count()));
                  pass(pause.count());
                },
            .every =
                [this](std::chrono::milliseconds every, std::function<void()> call) {
                  tick = std::move(call);
                  interval = every.count();
                  next_tick = now + interval;
                  return std::shared_ptr<void>(nullptr, [this](void*) { tick = nullptr; });
                }};
  }

  Server server() {
    return {.claim = [this](const Claim&) { return give(); },
            .heartbeat =
                [this](const Task&, const Progress& where) {
                  answer("heartbeat " + where.phase);
                  progress.push_back(where);
                  return wish;
                },
            .put_file =
                [this](const Task&, const Output& output, const std::filesystem::path& file) {
                  answer("put " + output.name);
                  uploaded.push_back(base::read_file(file, 1000));
                },
            .finish =
                [this](const Task&, const Result& result) {
                  answer("finish");
                  results.push_back(result);
                },
            .fail =
                [this](const Task&, const Failure& failure) {
                  answer(base::text("fail ", name_of(failure.kind)));
                  reported.push_back(failure);
                },
            .release = [this](const Task&) { answer("release"); }};
  }

  std::optional<Task> give() {
    ++claims;
    check_is_there();
    is_over = is_over_after_claim || tasks.empty();
    if (tasks.empty()) return std::nullopt;
    auto task = tasks.front();
    tasks.pop_front();
    return task;
  }

  void answer(const std::string& call) {
    check_is_there();
    calls.push_back(call);
    if (is_lost) throw base::Error(base::Fault::conflict, "the lease is lost");
  }

  void check_is_there() {
    const bool fails = failures > 0 || now < away_until;
    failures = std::max(0, failures - 1);
    if (fails) throw base::Error(base::Fault::upstream, "the server is away");
  }

  std::function<void()> tick;
  int64_t interval = 0;
  int64_t next_tick = 0;
};

}  // namespace worker
