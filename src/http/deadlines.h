// SPDX-License-Identifier: Apache-2.0
// Time limits of connections. A connection only stores when its present phase must be over; one
// sweep now and then cuts those that are late. So a request costs two stores and no timer.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_set>

namespace http {

class Deadline;

// All deadlines of a server. Usable from several threads at once.
class Deadlines {
 public:
  // Cuts what is late at `now`, in the same milliseconds as Deadline::set().
  void sweep(int64_t now);
  // Cuts what waits for a request that has not begun.
  void cut_idle();
  void cut_all();
  size_t size() const;

 private:
  friend class Deadline;
  template <typename Rule>
  void cut_where(Rule rule);

  mutable std::mutex mutex_;
  std::unordered_set<Deadline*> deadlines_;
};

// The deadline of one connection, whose socket must outlive it. Being cut means: the socket is shut
// down, so that what the connection waits for comes to an end; where it was about to receive it may
// still send an answer.
class Deadline {
 public:
  enum Phase : int64_t { working, idle, receiving, sending };

  Deadline(Deadlines& all, int socket);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline();

  // From now on the connection is in that phase, until `time` at most. Nothing limits `working`.
  void set(Phase phase, int64_t time);
  void set_working();

  bool was_cut() const { return was_cut_; }

 private:
  friend class Deadlines;
  void cut(Phase phase);

  Deadlines& all_;
  int socket_;
  std::atomic<int64_t> state_;  // time and phase in one, so that a sweep sees what belongs together
  std::atomic<bool> was_cut_ = false;
};

}  // namespace http
