// SPDX-License-Identifier: Apache-2.0
// What the handlers of requests work with.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "api/metrics.h"
#include "api/rate_limiter.h"
#include "api/waiters.h"
#include "api/webhooks.h"
#include "api/workers.h"
#include "base/clock.h"
#include "http/message.h"
#include "objects/signer.h"
#include "objects/store.h"
#include "tasks/store.h"

namespace api {

// Who serves a model that is asked for: the name, file or folder as configured, and whether that is
// a demo model standing in.
struct Serving {
  std::string model;
  bool is_demo = false;
};

struct Settings {
  std::string version;                              // of this program
  std::string public_url;                           // "http://127.0.0.1:8000", no slash at its end
  bool has_public_url = false;                      // it was configured: callers are told no other
  bool no_auth = false;                             // every caller is the owner
  std::chrono::seconds result_life{7 * 24 * 3600};  // of the address of a result
  std::chrono::seconds ticket_life{3600};           // of the address of an upload
  std::chrono::seconds sync_patience{90};
  uint64_t upload_bytes = 1ull << 30;
  int64_t retention_ms = 7ll * 24 * 3600 * 1000;
  std::map<std::string, Serving, std::less<>> weights;  // of every model in specs::models()
};

// Outlives every request.
struct Context {
  tasks::Store& store;
  objects::Store& objects;
  const objects::Signer& signer;
  Waiters& waiters;
  RateLimiter& limiter;
  Metrics& metrics;
  Workers& workers;
  Webhooks& webhooks;
  base::Clock clock;
  Settings settings;
  std::atomic<bool> is_draining = false;
  std::function<size_t()> connections = {};  // that are open
};

// Who calls.
struct Caller {
  std::string tenant;
  std::string key_id;
  std::string scopes;    // words with a space between them
  int64_t priority = 0;  // of the tasks that it submits
  tasks::Limits limits;

  bool may(std::string_view scope) const;
};

// A request whose caller is known.
struct Call {
  http::Request& request;
  const Caller& caller;
};

}  // namespace api
