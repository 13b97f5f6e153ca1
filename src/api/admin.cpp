// SPDX-License-Identifier: Apache-2.0
#include "api/admin.h"

#include <algorithm>

#include "api/body_fields.h"
#include "api/prediction.h"
#include "api/submit.h"
#include "base/text.h"

namespace api::admin {
namespace {

using base::Json;
using base::text;

constexpr std::string_view kScopes[] = {"tasks:read", "tasks:write", "metrics", "worker"};
constexpr auto* kUsualScopes = "tasks:read tasks:write";
constexpr int64_t kDayMs = 24ll * 3600 * 1000;
constexpr int64_t kMostLimit = 1'000'000'000;
constexpr int64_t kMostPriority = 1000;
constexpr size_t kMostName = 64;

void check_scopes(const std::string& scopes, BodyFields& fields) {
  std::istringstream words(scopes);
  std::string word;
  while (words >> word) {
    if (std::ranges::find(kScopes, word) == std::end(kScopes)) {
      fields.complain(text("scopes: \"", word, "\" is not one of ", base::join(kScopes, ", ")));
    }
  }
}

tasks::NewKey read_key(const Json& body, const base::Clock& clock) {
  BodyFields fields(body);
  tasks::NewKey key;
  key.tenant = fields.word("tenant");
  if (key.tenant.empty()) key.tenant = "default";
  key.name = fields.word("name");
  key.scopes = fields.word("scopes");
  if (key.scopes.empty()) key.scopes = kUsualScopes;
  const auto days = fields.whole("expires_days", 0, 1, 36'500);
  if (days > 0) key.expires_at = clock.wall() + days * kDayMs;
  key.priority = fields.whole("priority", 0, -kMostPriority, kMostPriority);
  auto& limits = key.limits;
  limits.queued = fields.whole("queued", tasks::kNoLimit, 0, kMostLimit);
  limits.running = fields.whole("running", tasks::kNoLimit, 0, kMostLimit);
  limits.requests_per_minute = fields.whole("requests_per_minute", tasks::kNoLimit, 1, kMostLimit);
  limits.spending_cap_mills = fields.whole("spending_cap_mills", tasks::kNoLimit, 0, kMostLimit);
  if (key.tenant.size() > kMostName)
    fields.complain(text("tenant: has more than ", kMostName, " bytes"));
  if (key.name.size() > kMostName)
    fields.complain(text("name: has more than ", kMostName, " bytes"));
  check_scopes(key.scopes, fields);
  fields.done();
  return key;
}

// No limit is a limit that is not there.
void put_limit(Json& object, const char* name, int64_t limit) {
  if (limit != tasks::kNoLimit) object[name] = limit;
}

Json as_json(const tasks::Key& key) {
  Json object = {{"id", key.id},
                 {"tenant", key.tenant},
                 {"name", key.name},
                 {"scopes", key.scopes},
                 {"created_at", base::iso8601(key.created_at)}};
  if (key.expires_at > 0) object["expires_at"] = base::iso8601(key.expires_at);
  if (key.revoked_at > 0) object["revoked_at"] = base::iso8601(key.revoked_at);
  if (key.priority != 0) object["priority"] = key.priority;
  put_limit(object, "queued", key.limits.queued);
  put_limit(object, "running", key.limits.running);
  put_limit(object, "requests_per_minute", key.limits.requests_per_minute);
  put_limit(object, "spending_cap_mills", key.limits.spending_cap_mills);
  return object;
}

}  // namespace

Json make_key(tasks::Store& store, const Json& body, const base::Clock& clock) {
  return {{"key", store.create_key(read_key(body, clock))}};
}

Json describe_keys(tasks::Store& store, const std::string& tenant) {
  Json list = Json::array();
  for (const auto& key : store.list_keys(tenant)) list.push_back(as_json(key));
  return list;
}

http::Response create_key(Context& context, const Call& call) {
  return success(make_key(context.store, json_body(call), context.clock));
}

http::Response list_keys(Context& context, const Call& call) {
  const auto* tenant = http::find(call.request.query, "tenant");
  return success(describe_keys(context.store, tenant == nullptr ? "default" : *tenant));
}

http::Response revoke_key(Context& context, const Call& call) {
  const auto body = json_body(call);
  BodyFields fields(body);
  const auto tenant = fields.word("tenant");
  const auto id = fields.word("id");
  if (id.empty()) fields.complain("id: is missing");
  fields.done();
  context.store.revoke_key(tenant.empty() ? "default" : tenant, id);
  return success({{"id", id}});
}

}  // namespace api::admin
