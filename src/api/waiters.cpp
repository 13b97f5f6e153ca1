// SPDX-License-Identifier: Apache-2.0
#include "api/waiters.h"

#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace api {

namespace asio = boost::asio;

void Waiters::wake(const std::shared_ptr<Place>& place) {
  asio::post(place->timer.get_executor(), [place] {
    place->happened = true;
    place->timer.cancel();
  });
}

void Waiters::notify(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto [first, last] = places_.equal_range(key);
  for (auto place = first; place != last; ++place) wake(place->second);
}

void Waiters::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  for (const auto& [key, place] : places_) wake(place);
}

Waiter::Waiter(Waiters& board, const std::string& key, const asio::any_io_executor& executor)
    : board_(board), place_(std::make_shared<Waiters::Place>(executor)) {
  const std::lock_guard lock(board_.mutex_);
  at_ = board_.places_.emplace(key, place_);
}

Waiter::~Waiter() {
  const std::lock_guard lock(board_.mutex_);
  board_.places_.erase(at_);
}

asio::awaitable<bool> Waiter::wait(std::chrono::milliseconds patience) {
  {
    const std::lock_guard lock(board_.mutex_);
    if (board_.is_closed_) co_return false;
  }
  if (!place_->happened) {
    place_->timer.expires_after(patience);
    co_await place_->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  co_return std::exchange(place_->happened, false);
}

}  // namespace api
