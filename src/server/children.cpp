// SPDX-License-Identifier: Apache-2.0
#include "server/children.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

extern char** environ;

namespace server {
namespace {

using base::text;

// The process id, or minus the error's number.
int start(const std::vector<std::string>& command) {
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  // The child answers to signals of its own: those of the terminal are the server's to hand on.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  pid_t process = 0;
  const int problem =
      ::posix_spawn(&process, words[0], nullptr, &attributes, words.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  return problem == 0 ? process : -problem;
}

// Waits for the end without taking it in, so that the process id stays this child's until reap().
void await_end(pid_t process) {
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOWAIT) < 0 &&
         errno == EINTR) {
  }
}

std::string reap(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? text("signal ", WTERMSIG(status))
                             : text("exit ", WEXITSTATUS(status));
}

}  // namespace

// One child and the thread that waits for it.
class Children::Keeper {
 public:
  Keeper(Child child, const Watch& watch, const Backoff& backoff)
      : child_(std::move(child)), watch_(watch), backoff_(backoff), thread_([this] { keep(); }) {}
  ~Keeper() { thread_.join(); }
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  void ask_to_end() {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    if (process_ > 0) ::kill(process_, SIGTERM);
    changed_.notify_all();
  }

  void kill_after(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, deadline, [&] { return has_ended_; });
    if (process_ > 0) ::kill(-process_, SIGKILL);  // with what it started
    changed_.wait(lock, [&] { return has_ended_; });
  }

 private:
  void keep() {
    auto pause = backoff_.first;
    while (true) {
      const auto began = std::chrono::steady_clock::now();
      if (!run_once()) break;
      const auto lived = std::chrono::steady_clock::now() - began;
      if (lived >= backoff_.settled) pause = backoff_.first;
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, pause, [&] { return is_stopping_; })) break;
      pause = std::min(2 * pause, backoff_.most);
    }
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
    changed_.notify_all();
  }

  // False where it shall not be started any more.
  bool run_once() {
    {
      const std::lock_guard lock(mutex_);
      if (is_stopping_) return false;
      process_ = start(child_.command);
    }
    if (process_ < 0) {
      watch_.ended(child_.name, text(child_.command[0], ": ", std::strerror(-process_)));
      return true;
    }
    watch_.started(child_.name, process_);
    await_end(process_);
    std::string how;
    {
      const std::lock_guard lock(mutex_);
      how = reap(process_);
      process_ = 0;
    }
    watch_.ended(child_.name, how);
    return true;
  }

  Child child_;
  Watch watch_;
  Backoff backoff_;
  std::mutex mutex_;
  std::condition_variable changed_;
  pid_t process_ = 0;  // written under the mutex by the thread alone
  bool is_stopping_ = false;
  bool has_ended_ = false;
  std::thread thread_;  // last: it uses the others
};

Children::Children(std::vector<Child> children, Watch watch, Backoff backoff) {
  keepers_.reserve(children.size());
  for (auto& child : children) {
    keepers_.push_back(std::make_unique<Keeper>(std::move(child), watch, backoff));
  }
}

Children::~Children() {
  stop(std::chrono::milliseconds(0));
}

void Children::stop(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (auto& keeper : keepers_) keeper->ask_to_end();
  for (auto& keeper : keepers_) keeper->kill_after(deadline);
}

}  // namespace server
