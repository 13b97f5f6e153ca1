// SPDX-License-Identifier: Apache-2.0
#include "server/children.h"

#include <condition_variable>
#include <csignal>
#include <mutex>

#include <gtest/gtest.h>

namespace {

using std::chrono::milliseconds;

// What happened, in order, and a way to wait for it.
class Diary {
 public:
  server::Children::Watch watch() {
    return {.started = [this](const std::string& name,
                              int process) { write(name + " started", process); },
            .ended = [this](const std::string& name,
                            const std::string& how) { write(name + " ended, " + how, 0); }};
  }

  // Waits until `count` lines are there; returns them.
  std::vector<std::string> lines(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return lines_.size() >= count; });
    return {lines_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(count)};
  }
  int last_process() {
    const std::lock_guard lock(mutex_);
    return process_;
  }

 private:
  void write(const std::string& line, int process) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    if (process != 0) process_ = process;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
  int process_ = 0;
};

constexpr server::Backoff kAtOnce{milliseconds(1), milliseconds(1), milliseconds(60'000)};

server::Child shell(const std::string& script) {
  return {"w", {"/bin/sh", "-c", script}};
}

TEST(Children, StartAgainWhenTheyEnd) {
  Diary diary;
  server::Children children({shell("exit 3")}, diary.watch(), kAtOnce);
  EXPECT_EQ(
      diary.lines(4),
      (std::vector<std::string>{"w started", "w ended, exit 3", "w started", "w ended, exit 3"}));
}

TEST(Children, SayByWhichSignalTheyEnded) {
  Diary diary;
  server::Children children({shell("kill -9 $$")}, diary.watch(), kAtOnce);
  EXPECT_EQ(diary.lines(2)[1], "w ended, signal 9");
}

TEST(Children, EndWhenTold) {
  Diary diary;
  server::Children children({shell("exec sleep 1000")}, diary.watch(), kAtOnce);
  diary.lines(1);
  children.stop(milliseconds(60'000));
  EXPECT_EQ(diary.lines(2)[1], "w ended, signal 15");
}

TEST(Children, AreKilledWhenTheyDoNotListen) {
  Diary diary;
  server::Children children(
      {shell("trap '' TERM; while :; do sleep 1000 & wait; done")}, diary.watch(), kAtOnce);
  diary.lines(1);
  const int process = diary.last_process();
  children.stop(milliseconds(0));
  EXPECT_NE(diary.lines(2)[1].find("signal "), std::string::npos);
  EXPECT_EQ(::kill(process, 0), -1);
}

TEST(Children, AProgramThatIsNotThereIsToldAndTriedAgain) {
  Diary diary;
  server::Children children({{"w", {"/nowhere/engine"}}}, diary.watch(), kAtOnce);
  const auto lines = diary.lines(2);
  EXPECT_EQ(lines[0], "w ended, /nowhere/engine: No such file or directory");
  EXPECT_EQ(lines[1], lines[0]);
}

}  // namespace
