// SPDX-License-Identifier: Apache-2.0
#include "api/health.h"

#include <algorithm>

#include "api/links.h"
#include "api/openapi.h"
#include "api/problem.h"

namespace api::health {
namespace {

using base::Json;

// Why no task would run; empty where one would.
std::string problem_now(const Context& context) {
  if (context.is_draining) return "the server is being stopped";
  if (context.store.has_failed() || context.objects.has_failed()) return "the disk has failed";
  if (context.objects.room_left() == 0) return "the disk is full";
  if (context.workers.alive(context.clock.steady()).empty()) return "no worker has called lately";
  return {};
}

// Of all weights that are asked for: a queue that has become empty is a zero, not its last value.
std::vector<tasks::QueueLoad> loads_now(const Context& context) {
  auto loads = context.store.queue_loads();
  for (const auto& [weights, serving] : context.settings.weights) {
    if (std::ranges::find(loads, weights, &tasks::QueueLoad::weights) == loads.end()) {
      loads.push_back({.weights = weights});
    }
  }
  return loads;
}

}  // namespace

http::Response live(Context&, const Call&) {
  return json_response(200, {{"status", "ok"}});
}

http::Response ready(Context& context, const Call&) {
  const auto reason = problem_now(context);
  if (reason.empty()) return json_response(200, {{"status", "ok"}});
  return json_response(503, {{"status", "unavailable"}, {"reason", reason}});
}

http::Response version(Context& context, const Call&) {
  return json_response(200, {{"name", "zoetrope"}, {"version", context.settings.version}});
}

http::Response metrics(Context& context, const Call&) {
  const auto text =
      context.metrics.text({.loads = loads_now(context),
                            .workers = context.workers.alive(context.clock.steady()).size(),
                            .connections = context.connections ? context.connections() : 0,
                            .disk_room = context.objects.room_left(),
                            .wall_ms = context.clock.wall()});
  return {.headers = {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}}, .body = text};
}

http::Response openapi(Context& context, const Call& call) {
  return json_response(200,
                       openapi_document(context.settings, Links(context, call.request).base()));
}

http::Response welcome(Context& context, const Call&) {
  return json_response(200,
                       {{"name", "zoetrope"},
                        {"version", context.settings.version},
                        {"description", "/openapi.json"},
                        {"models", "/api/v3/models"},
                        {"health", "/readyz"}});
}

}  // namespace api::health
