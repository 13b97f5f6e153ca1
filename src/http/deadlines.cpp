// SPDX-License-Identifier: Apache-2.0
#include "http/deadlines.h"

#include <limits>

#include <sys/socket.h>

namespace http {
namespace {

constexpr int64_t kPhases = 4;
constexpr int64_t kNever = std::numeric_limits<int64_t>::max() / kPhases;

int64_t pack(Deadline::Phase phase, int64_t time) {
  return time * kPhases + phase;
}

}  // namespace

template <typename Rule>
void Deadlines::cut_where(Rule rule) {
  const std::lock_guard lock(mutex_);
  for (auto* deadline : deadlines_) {
    auto state = deadline->state_.load();
    const auto phase = static_cast<Deadline::Phase>(state % kPhases);
    if (!rule(phase, state / kPhases)) continue;
    // A connection that went on to its next phase meanwhile is let go; one that is cut is not cut
    // again before it sets its next deadline.
    if (deadline->state_.compare_exchange_strong(state, pack(Deadline::working, kNever))) {
      deadline->cut(phase);
    }
  }
}

void Deadlines::sweep(int64_t now) {
  cut_where([&](Deadline::Phase, int64_t time) { return time <= now; });
}

void Deadlines::cut_idle() {
  cut_where([](Deadline::Phase phase, int64_t) { return phase == Deadline::idle; });
}

void Deadlines::cut_all() {
  const std::lock_guard lock(mutex_);
  for (auto* deadline : deadlines_) deadline->cut(Deadline::sending);
}

size_t Deadlines::size() const {
  const std::lock_guard lock(mutex_);
  return deadlines_.size();
}

Deadline::Deadline(Deadlines& all, int socket)
    : all_(all), socket_(socket), state_(pack(working, kNever)) {
  const std::lock_guard lock(all_.mutex_);
  all_.deadlines_.insert(this);
}

Deadline::~Deadline() {
  const std::lock_guard lock(all_.mutex_);
  all_.deadlines_.erase(this);
}

void Deadline::set(Phase phase, int64_t time) {
  state_ = pack(phase, time);
}

void Deadline::set_working() {
  state_ = pack(working, kNever);
}

void Deadline::cut(Phase phase) {
  was_cut_ = true;
  if (phase != sending) {
    ::shutdown(socket_, SHUT_RD);
    return;
  }
  // What the other end does not read must not stay in the kernel either.
  const linger none{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  ::shutdown(socket_, SHUT_RDWR);
}

}  // namespace http
