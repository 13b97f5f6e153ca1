// SPDX-License-Identifier: Apache-2.0
#include "api/follow.h"

#include <charconv>
#include <memory>

#include <boost/asio/this_coro.hpp>

#include "api/prediction.h"
#include "base/error.h"
#include "base/text.h"

namespace api {
namespace {

using boost::asio::awaitable;
using std::chrono::milliseconds;

// Another server on the same database may be the one that hears of the change.
constexpr milliseconds kLookAgain{2000};

// Clients that time out repeat a submit at once (wire-apis A3): that should find out who left.
constexpr milliseconds kLookForClient{200};

int64_t last_event_id(const http::Request& request) {
  const auto* text = http::find(request.headers, "last-event-id");
  if (text == nullptr) return 0;
  int64_t id = 0;
  const auto [end, problem] = std::from_chars(text->data(), text->data() + text->size(), id);
  if (problem != std::errc() || end != text->data() + text->size() || id < 0) {
    throw base::Error(base::Fault::invalid,
                      base::text("Last-Event-ID: \"", *text, "\" is not the id of an event"));
  }
  return id;
}

// What one client has seen, and how it waits for more.
struct Follower {
  Follower(Context& board, const tasks::Task& task, const boost::asio::any_io_executor& executor)
      : context(board), tenant(task.tenant), id(task.id), waiter(board.waiters, id, executor) {}

  Context& context;
  std::string tenant, id;
  Waiter waiter;
  int64_t seen = 0;
  bool has_ended = false;

  std::vector<http::Event> look() {
    std::vector<http::Event> events;
    for (const auto& event : context.store.events_after(tenant, id, seen)) {
      seen = event.sequence;
      has_ended = has_ended || event.name == "completed" || event.name == "failed";
      events.push_back(
          {.name = event.name, .data = event.data, .id = std::to_string(event.sequence)});
    }
    return events;
  }
};

awaitable<http::EventStream::Batch> next(std::shared_ptr<Follower> follower,
                                         milliseconds patience) {
  const auto deadline = follower->context.clock.steady() + patience.count();
  while (!follower->has_ended) {
    // In this order: the last event is there as soon as the task has ended.
    const auto task = follower->context.store.find(follower->tenant, follower->id);
    auto events = follower->look();
    if (!events.empty()) co_return events;
    if (!task || is_final(task->state)) break;
    const auto left = milliseconds(deadline - follower->context.clock.steady());
    if (left.count() <= 0) co_return std::vector<http::Event>();
    co_await follower->waiter.wait(std::min(left, kLookAgain));
  }
  co_return std::nullopt;
}

}  // namespace

awaitable<tasks::Task> await_end(Context& context,
                                 const http::Request& request,
                                 tasks::Task task,
                                 milliseconds patience) {
  Waiter waiter(context.waiters, task.id, co_await boost::asio::this_coro::executor);
  const auto deadline = context.clock.steady() + patience.count();
  auto look_at = context.clock.steady() + kLookAgain.count();
  while (!is_final(task.state)) {
    const auto left = milliseconds(deadline - context.clock.steady());
    if (left.count() <= 0) break;
    const bool has_news = co_await waiter.wait(std::min(left, kLookForClient));
    if (request.has_left()) break;
    if (!has_news && context.clock.steady() < look_at) continue;
    look_at = context.clock.steady() + kLookAgain.count();
    auto found = context.store.find(task.tenant, task.id);
    if (!found) break;
    task = *std::move(found);
  }
  co_return task;
}

http::Response follow(Context& context,
                      const Call& call,
                      const tasks::Task& task,
                      const boost::asio::any_io_executor& executor) {
  const auto follower = std::make_shared<Follower>(context, task, executor);
  follower->seen = last_event_id(call.request);
  // Browsers that have seen the end come back, unless they are told that there is nothing more.
  const bool has_more = !context.store.events_after(task.tenant, task.id, follower->seen).empty();
  if (is_final(task.state) && !has_more) return {.status = 204};
  return {.headers = {{"cache-control", "no-store"}, {"x-accel-buffering", "no"}},
          .body = http::EventStream{
              [follower](milliseconds patience) { return next(follower, patience); }}};
}

}  // namespace api
