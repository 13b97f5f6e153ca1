// SPDX-License-Identifier: Apache-2.0
#include "api/service.h"

#include <memory>

#include "api/routes.h"
#include "base/error.h"
#include "base/text.h"
#include "http/router.h"
#include "logging/log.h"

namespace api {
namespace {

using base::Error;
using base::Fault;
using base::text;
using boost::asio::awaitable;

constexpr uint64_t kMostJsonBytes = 1 << 20;
constexpr int64_t kFailedKeysPerMinute = 60;  // of one address
constexpr std::string_view kBearer = "bearer ";

// What is known of a request once its head has been read.
struct Known {
  const Route* route;
  Caller caller;
  int64_t began;
};

// Where nobody knows whose client calls it is Jiekou's: that has the fields of both.
Dialect dialect_of(const http::Request* request) {
  return request == nullptr || request->path.starts_with("/v3/") ? Dialect::jiekou
                                                                 : Dialect::wavespeed;
}

const Known* known(const http::Request& request) {
  const auto* found = std::any_cast<std::shared_ptr<const Known>>(&request.context);
  return found == nullptr ? nullptr : found->get();
}

// "Bearer KEY", and KEY alone, which Novita's JavaScript client sends.
std::string key_in(const http::Request& request) {
  const auto* field = http::find(request.headers, "authorization");
  if (field == nullptr) return {};
  const bool is_bearer = http::lower_case(field->substr(0, kBearer.size())) == kBearer;
  return std::string(http::trim(is_bearer ? field->substr(kBearer.size()) : *field));
}

http::Response too_often(Dialect dialect, int64_t wait_ms, const std::string& what) {
  const auto seconds = std::to_string((wait_ms + 999) / 1000);
  auto response = problem(dialect, 429, text(what, "; try again in ", seconds, " s"));
  response.headers.push_back({"retry-after", seconds});
  return response;
}

const Caller& owner() {
  static const Caller the_owner{
      .tenant = "default", .key_id = "owner", .scopes = "tasks:read tasks:write metrics worker"};
  return the_owner;
}

class Gate {
 public:
  explicit Gate(Context& context) : context_(context) {
    for (const auto& route : routes()) {
      router_.add(std::string(route.method), std::string(route.pattern), &route);
    }
  }

  http::Reception receive(http::Request& head) const {
    const auto began = context_.clock.steady();
    auto found = router_.find(head.method, head.path);
    if (head.method == "OPTIONS" && !found.pattern.empty()) return refused(preflight(found.allow));
    if (found.target == nullptr) return refused(no_such_route(head, found.allow));
    const auto& route = **found.target;
    head.captured = std::move(found.captured);
    try {
      auto caller = authenticate(route, head);
      if (!caller) return refused(locked_out(route.dialect, head));
      const auto wait = context_.limiter.wait_ms(
          caller->key_id, caller->limits.requests_per_minute, context_.clock.steady());
      if (wait > 0) return refused(too_often(route.dialect, wait, "this key calls too often"));
      head.context = std::make_shared<const Known>(Known{&route, *std::move(caller), began});
      return reception(route, head);
    } catch (...) {
      return refused(answer(route, head));
    }
  }

  awaitable<http::Response> handle(http::Request& request) const {
    const auto* about = known(request);
    const auto& route = *about->route;
    http::Response response;
    try {
      const Call call{request, about->caller};
      if (const auto* plain = std::get_if<Plain>(&route.handle)) {
        response = (*plain)(context_, call);
      } else {
        response = co_await std::get<Waiting>(route.handle)(context_, call);
      }
    } catch (...) {
      response = answer(route, request);
    }
    allow_browsers(response);
    note(*about, request, response);
    co_return response;
  }

 private:
  using Router = http::Router<const Route*>;

  static http::Reception refused(http::Response response) {
    allow_browsers(response);
    return {.refusal = std::move(response)};
  }

  // Keys travel in a header and nothing depends on cookies, so that pages of any origin may call.
  static void allow_browsers(http::Response& response) {
    if (http::find(response.headers, "access-control-allow-origin") == nullptr) {
      response.headers.push_back({"access-control-allow-origin", "*"});
    }
  }

  static http::Response preflight(const std::string& allow) {
    return {.status = 204,
            .headers = {{"allow", allow},
                        {"access-control-allow-methods", allow},
                        {"access-control-allow-headers",
                         "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, "
                         "X-Client-Name, X-Client-Version, X-Client-OS"},
                        {"access-control-max-age", "86400"}}};
  }

  static http::Response no_such_route(const http::Request& head, const std::string& allow) {
    const auto dialect = dialect_of(&head);
    if (allow.empty()) return problem(dialect, 404, "API_NOT_FOUND", "there is no such route");
    auto response =
        problem(dialect, 405, text("this route takes ", allow, " and not ", head.method));
    response.headers.push_back({"allow", allow});
    return response;
  }

  // Nothing where the address has tried too many wrong keys.
  std::optional<Caller> authenticate(const Route& route, const http::Request& head) const {
    if (route.access == Access::open || route.access == Access::link) return Caller();
    if (head.peer == "unix") return owner();
    if (route.access == Access::owner) throw Error(Fault::not_found, "there is no such route");
    if (context_.settings.no_auth) return owner();
    const auto key = key_in(head);
    try {
      if (key.empty()) {
        throw Error(Fault::unauthorized, "the key is missing: Authorization: Bearer zt_…");
      }
      const auto found = context_.store.authenticate(key);
      Caller caller{found.tenant, found.id, found.scopes, found.priority, found.limits};
      if (!caller.may(scope_of(route.access))) {
        throw Error(Fault::forbidden,
                    text("this key lacks the scope ", scope_of(route.access), " of this route"));
      }
      return caller;
    } catch (const Error& error) {
      const auto now = context_.clock.steady();
      const bool is_guess = error.fault() == Fault::unauthorized;
      if (is_guess && context_.limiter.wait_ms("401 " + head.peer, kFailedKeysPerMinute, now) > 0) {
        return std::nullopt;
      }
      throw;
    }
  }

  static http::Response locked_out(Dialect dialect, const http::Request&) {
    return too_often(dialect, 60'000, "too many wrong keys came from this address");
  }

  http::Reception reception(const Route& route, http::Request& head) const {
    switch (route.body) {
      case Body::none:
        // Clients send {} with requests that have nothing to say.
        return {.kind = http::Reception::memory, .max_bytes = kMostJsonBytes};
      case Body::json:
        return {.kind = http::Reception::memory, .max_bytes = kMostJsonBytes};
      case Body::upload:
        if (context_.objects.room_left() == 0) {
          throw Error(Fault::exhausted, "the server's disk is full; try again later");
        }
        return {.kind = http::Reception::file,
                .max_bytes = context_.settings.upload_bytes,
                .folder = context_.objects.incoming()};
      case Body::custom:
        return route.receive(context_, head);
    }
    return {};
  }

  // The exception being handled as an answer, in the route's dialect. What is not the caller's
  // doing goes to the log.
  static http::Response answer(const Route& route, const http::Request& request) {
    try {
      throw;
    } catch (const Error& error) {
      return answer(route, request, error);
    } catch (...) {
      return answer(route, request, base::current_error());
    }
  }

  static http::Response answer(const Route& route,
                               const http::Request& request,
                               const Error& error) {
    auto response = problem(route.dialect, error);
    if (response.status >= 500) {
      logging::error("request failed",
                     {{"request", request.id},
                      {"route", std::string(route.pattern)},
                      {"error", error.what()},
                      {"detail", error.detail()}});
    }
    return response;
  }

  void note(const Known& about,
            const http::Request& request,
            const http::Response& response) const {
    const auto took = context_.clock.steady() - about.began;
    context_.metrics.requested(about.route->pattern, request.method, response.status, took);
    // Polls and heartbeats come every second.
    const bool is_routine = request.method == "GET" || about.route->access == Access::worker;
    const auto write = response.status >= 500 ? logging::warning
                       : is_routine           ? logging::debug
                                              : logging::info;
    write("request",
          {{"request", request.id},
           {"method", request.method},
           {"route", std::string(about.route->pattern)},
           {"status", response.status},
           {"ms", took},
           {"key", about.caller.key_id},
           {"peer", request.peer}});
  }

  Context& context_;
  Router router_;
};

}  // namespace

bool Caller::may(std::string_view scope) const {
  const auto padded = " " + scopes + " ";
  return padded.find(text(' ', scope, ' ')) != std::string::npos;
}

http::Service make_service(Context& context) {
  const auto gate = std::make_shared<const Gate>(context);
  return {.receive = [gate](http::Request& head) { return gate->receive(head); },
          .handle = [gate](http::Request& request) { return gate->handle(request); },
          .refuse =
              [](int status, const std::string& reason, const http::Request* request) {
                return problem(dialect_of(request), status, reason);
              }};
}

}  // namespace api
