// SPDX-License-Identifier: Apache-2.0
#include "worker/time.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace worker {
namespace {

class Ticker {
 public:
  Ticker(std::chrono::milliseconds interval, std::function<void()> tick)
      : interval_(interval), tick_(std::move(tick)), thread_([this] { run(); }) {}
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  // Waits for a tick that is under way.
  ~Ticker() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    over_.notify_all();
    thread_.join();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (!over_.wait_for(lock, interval_, [this] { return is_over_; })) {
      lock.unlock();
      tick_();
      lock.lock();
    }
  }

  std::chrono::milliseconds interval_;
  std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace

Time system_time() {
  return {.clock = base::system_clock(),
          .wait = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); },
          .every =
              [](std::chrono::milliseconds interval, std::function<void()> tick) {
                return std::make_shared<Ticker>(interval, std::move(tick));
              }};
}

}  // namespace worker
