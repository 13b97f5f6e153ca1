// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "http/transfer.h"

namespace http {
namespace {

constexpr size_t kMaxIdleHandles = 8;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool is_same_place(const Location& a, const Location& b) {
  return a.scheme == b.scheme && a.host == b.host && a.port == b.port;
}

// What proves who we are goes to nobody but whom the caller named.
void drop_credentials(Fields& headers) {
  std::erase_if(headers, [](const Field& field) {
    const auto name = lower_case(field.name);
    return name == "authorization" || name == "cookie";
  });
}

// Of the call's limit, which is one for all redirects; zero, as there, is none.
std::chrono::milliseconds time_left(const Call& call, std::chrono::steady_clock::time_point begin) {
  using std::chrono::milliseconds;
  const auto passed = std::chrono::steady_clock::now() - begin;
  const auto left = call.total_time - std::chrono::duration_cast<milliseconds>(passed);
  return call.total_time.count() == 0 ? call.total_time : std::max(left, milliseconds(1));
}

void initialise_libcurl() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
      throw base::Error(base::Fault::internal, "internal error", "libcurl does not start");
    }
  });
}

}  // namespace

struct Client::State {
  ClientOptions options;
  std::optional<Egress> wall;
  std::mutex mutex;
  std::vector<Easy> idle;  // each with its connections

  Easy take() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) {
      Easy fresh(curl_easy_init());
      if (!fresh) throw std::bad_alloc();
      return fresh;
    }
    auto handle = std::move(idle.back());
    idle.pop_back();
    return handle;
  }

  void give_back(Easy handle) {
    curl_easy_reset(handle.get());  // forgets the call and keeps the connections
    const std::lock_guard lock(mutex);
    if (idle.size() < kMaxIdleHandles) idle.push_back(std::move(handle));
  }

  [[noreturn]] void refuse(std::string why) const {
    const auto* shown =
        wall ? "fetch_refused: the URL is not allowed" : "not a URL that can be used";
    throw base::Error(base::Fault::invalid, shown, std::move(why));
  }

  // `shown` is what the caller may learn even behind the wall.
  [[noreturn]] void fail(const Url& url, const std::string& shown, std::string why) const {
    if (wall) throw base::Error(base::Fault::upstream, "fetch_failed: " + shown, std::move(why));
    throw base::Error(base::Fault::upstream, base::text(url.public_text(), ": ", why));
  }

  Reply once(const Call& call, const Url& url) {
    auto handle = take();
    auto outcome = exchange(handle.get(), call, url, options, wall ? &*wall : nullptr);
    give_back(std::move(handle));
    if (!outcome.refused.empty()) refuse(std::move(outcome.refused));
    if (outcome.is_over) {
      fail(url,
           base::text("the answer is larger than ", call.max_bytes, " bytes"),
           std::move(outcome.failed));
    }
    if (!outcome.failed.empty()) fail(url, "the URL cannot be fetched", std::move(outcome.failed));
    return std::move(outcome.reply);
  }

  void read(Url& url, const std::string& text) const {
    if (!url.read(text)) refuse("this is no http or https URL without a user");
    if (!wall) return;
    if (auto complaint = wall->complaint_about(url.location()); !complaint.empty()) {
      refuse(std::move(complaint));
    }
  }
};

Client::Client(ClientOptions options) : state_(std::make_unique<State>()) {
  initialise_libcurl();
  if (options.wall) state_->wall.emplace(*options.wall);
  state_->options = std::move(options);
}

Client::~Client() = default;

Reply Client::send(const Call& call) {
  Url url;
  state_->read(url, call.url);
  Call hop = call;
  const auto begin = std::chrono::steady_clock::now();
  for (int followed = 0;; ++followed) {
    auto reply = state_->once(hop, url);
    const auto* to = find(reply.headers, "location");
    const bool may_follow = call.redirects > 0 && (call.method == "GET" || call.method == "HEAD");
    if (to == nullptr || !is_redirect(reply.status) || !may_follow) return reply;
    if (followed == call.redirects) state_->fail(url, "too many redirects", "too many redirects");
    const auto before = url.location();
    state_->read(url, *to);
    if (!is_same_place(before, url.location())) drop_credentials(hop.headers);
    hop.total_time = time_left(call, begin);
  }
}

Reply Client::download(Call call, const std::filesystem::path& file) {
  base::FileWriter writer(file);
  call.sink = [&](const Reply&, std::string_view piece) { writer.write(piece); };
  auto reply = send(call);
  if (reply.status < 200 || reply.status >= 300) {
    Url url;
    url.read(reply.url);
    const auto why = base::text("the server answered ", reply.status);
    state_->fail(url, why, why);
  }
  writer.commit();
  return reply;
}

}  // namespace http
