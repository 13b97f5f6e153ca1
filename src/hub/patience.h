// SPDX-License-Identifier: Apache-2.0
// When to try again, and when to give up.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "http/client.h"
#include "hub/download.h"

namespace hub {

// One request and its tries. Usable by one thread.
class Retries {
 public:
  // `goes_on` is asked while waiting; false ends the wait with base::Cancelled.
  Retries(const Place& place, const Patience& patience, std::function<bool()> goes_on);

  // The time that the next try may take; zero: there is no limit.
  std::chrono::milliseconds time_left() const;

  // Nothing where the connection broke and it is time for another try. `refusal` is what the call's
  // sink threw, if it did: of no use to try again.
  std::optional<http::Reply> send(http::Client& client,
                                  const http::Call& call,
                                  const std::optional<base::Error>& refusal = {});

  // Something came: earlier failures do not count any more.
  void forgive() { failures_ = 0; }

  // Waits before the next try, or throws the error where there is none.
  void failed(const base::Error& error);

  // The same for an answer: throws where another try would not change it, see throw_status().
  void answered(const http::Reply& reply);

 private:
  void wait(std::chrono::milliseconds time, const base::Error& error);

  const Place& place_;
  const Patience& patience_;
  std::function<bool()> goes_on_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  int failures_ = 0;
};

// Whether the same request may be answered otherwise later.
bool may_pass(int status);

// What a Retry-After field asks for, in either of its forms, or a RateLimit field; zero where there
// is none.
std::chrono::milliseconds retry_after(const http::Reply& reply, int64_t wall_ms);

}  // namespace hub
