// SPDX-License-Identifier: Apache-2.0
#include "hub/patience.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <thread>

#include "base/clock.h"
#include "base/text.h"

namespace hub {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestOwnWait{30'000};
constexpr milliseconds kSlice{100};  // between looks at whether anybody still wants the file

std::optional<milliseconds> seconds_in(std::string_view digits) {
  uint32_t seconds = 0;
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, seconds);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return milliseconds(seconds * 1000LL);
}

// How Hugging Face says it (draft-ietf-httpapi-ratelimit-headers-09): ratelimit: "api";r=0;t=55
milliseconds until_reset(const http::Reply& reply) {
  const auto* field = http::find(reply.headers, "ratelimit");
  if (field == nullptr || field->find(";r=0;") == std::string::npos) return milliseconds(0);
  const auto at = field->find(";t=");
  if (at == std::string::npos) return milliseconds(0);
  const auto digits = std::string_view(*field).substr(at + 3);
  return seconds_in(digits.substr(0, digits.find_first_of(";,"))).value_or(milliseconds(0));
}

}  // namespace

Retries::Retries(const Place& place, const Patience& patience, std::function<bool()> goes_on)
    : place_(place), patience_(patience), goes_on_(std::move(goes_on)) {}

milliseconds Retries::time_left() const {
  if (patience_.total_time.count() == 0) return milliseconds(0);
  const auto passed = std::chrono::steady_clock::now() - begin_;
  return std::max(patience_.total_time - std::chrono::duration_cast<milliseconds>(passed),
                  milliseconds(1));
}

std::optional<http::Reply> Retries::send(http::Client& client,
                                         const http::Call& call,
                                         const std::optional<base::Error>& refusal) {
  std::optional<base::Error> broken;
  try {
    return client.send(call);
  } catch (const base::Error& error) {
    if (refusal || error.fault() != base::Fault::upstream) throw with_code(error);
    broken = with_code(error);
  }
  failed(*broken);
  return std::nullopt;
}

void Retries::failed(const base::Error& error) {
  // Doubling, with a quarter of chance so that many do not come back at once.
  const auto doubled = patience_.first_wait * (1LL << std::min(failures_, 10));
  const auto own = std::min(milliseconds(doubled), kLongestOwnWait);
  const auto spread = own.count() / 4;
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  wait(own + milliseconds(spread > 0 ? now % spread : 0), error);
}

void Retries::answered(const http::Reply& reply) {
  if (!may_pass(reply.status)) throw_status(place_, reply);
  const auto asked = retry_after(reply, base::system_clock().wall());
  const base::Error error(
      base::Fault::upstream,
      base::text("fetch_failed: ",
                 place_.what,
                 ": the server answered ",
                 reply.status,
                 asked.count() > 0
                     ? base::text(", to try again in ", (asked.count() + 999) / 1000, " s")
                     : std::string()));
  if (asked > patience_.longest_wait) throw error;
  if (asked.count() > 0) return wait(asked, error);
  failed(error);
}

void Retries::wait(milliseconds time, const base::Error& error) {
  if (++failures_ > patience_.retries) throw error;
  if (patience_.total_time.count() > 0 && time >= time_left()) throw error;
  if (patience_.sleep) {
    if (!goes_on_()) throw base::Cancelled();
    return patience_.sleep(time);
  }
  for (const auto end = std::chrono::steady_clock::now() + time;
       std::chrono::steady_clock::now() < end;) {
    if (!goes_on_()) throw base::Cancelled();
    std::this_thread::sleep_for(std::min(time, kSlice));
  }
}

bool may_pass(int status) {
  return status == 408 || status == 429 || status >= 500;
}

milliseconds retry_after(const http::Reply& reply, int64_t wall_ms) {
  const auto* field = http::find(reply.headers, "retry-after");
  if (field == nullptr) return until_reset(reply);
  if (const auto seconds = seconds_in(*field)) return *seconds;
  std::tm date{};
  const auto* rest = ::strptime(field->c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (rest == nullptr) return milliseconds(0);
  return milliseconds(std::max<int64_t>(::timegm(&date) * 1000LL - wall_ms, 0));
}

}  // namespace hub
