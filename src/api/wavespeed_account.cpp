// SPDX-License-Identifier: Apache-2.0
// What WaveSpeed's API tells of models, prices and the account.
#include "api/body_fields.h"
#include "api/links.h"
#include "api/prediction.h"
#include "api/submit.h"
#include "api/wavespeed.h"
#include "base/error.h"
#include "base/text.h"
#include "catalog/parse.h"
#include "catalog/schema.h"

namespace api::wavespeed {
namespace {

using base::Json;
using base::text;

// Source: wire-apis A1 row 14.
constexpr int64_t kUsagePeriodMs = 30ll * 24 * 3600 * 1000;

// What an account has that nobody limits: clients expect a number.
constexpr int64_t kUnlimitedMills = 1'000'000'000;

struct PriceRequest {
  const catalog::Endpoint* endpoint;
  int64_t mills;
};

PriceRequest read_price(const Call& call) {
  const auto body = json_body(call);
  BodyFields fields(body);
  const auto id = fields.word("model_id");
  const auto* inputs = fields.take("inputs");
  if (id.empty()) fields.complain("model_id: is missing");
  if (inputs != nullptr && !inputs->is_object()) fields.complain("inputs: is not an object");
  fields.done();
  const auto& endpoint = endpoint_named(id);
  // What is asked is a price: an input that is still without its prompt has one.
  auto asked = inputs == nullptr ? Json::object() : *inputs;
  if (!asked.contains("prompt")) asked["prompt"] = "-";
  const auto parsed = catalog::parse(endpoint, asked);
  return {&endpoint, catalog::price_mills(endpoint, parsed.request)};
}

double dollars(int64_t mills) {
  return static_cast<double>(mills) / 1000;
}

}  // namespace

http::Response balance(Context& context, const Call& call) {
  const auto cap = call.caller.limits.spending_cap_mills;
  const auto granted = cap == tasks::kNoLimit ? kUnlimitedMills : cap;
  return success({{"balance", dollars(granted + context.store.balance(call.caller.tenant))}});
}

http::Response models(Context& context, const Call& call) {
  auto list = catalog::model_list(Links(context, call.request).base());
  for (auto& model : list) {
    const auto& weights = endpoint_named(model.at("model_id")).weights;
    const auto& serving = context.settings.weights.at(std::string(weights));
    model["weights"] = {
        {"asked", weights}, {"served_by", serving.model}, {"is_demo", serving.is_demo}};
  }
  return success(list);
}

http::Response pricing(Context&, const Call& call) {
  const auto price = read_price(call);
  return success({{"model_id", price.endpoint->id},
                  {"unit_price", dollars(price.mills)},
                  {"currency", "USD"}});
}

http::Response price(Context&, const Call& call) {
  const auto price = read_price(call);
  return success({{"model_id", price.endpoint->id},
                  {"price", dollars(price.mills)},
                  {"discounted_price", dollars(price.mills)},
                  {"currency", "USD"}});
}

http::Response webhook_secret(Context& context, const Call& call) {
  return success({{"secret", context.store.webhook_secret(call.caller.tenant)}});
}
http::Response usage(Context& context, const Call& call) {
  const auto now = context.clock.wall();
  int64_t requests = 0;
  int64_t mills = 0;
  Json by_model = Json::object();
  Json by_day = Json::object();
  const auto add = [](Json& sums, const std::string& key, const tasks::Usage& usage) {
    if (!sums.contains(key)) sums[key] = {{"requests", 0}, {"cost", 0.0}};
    auto& sum = sums[key];
    sum["requests"] = sum["requests"].get<int64_t>() + usage.tasks;
    sum["cost"] = sum["cost"].get<double>() + dollars(usage.mills);
  };
  for (const auto& usage : context.store.usage(call.caller.tenant, now - kUsagePeriodMs, now + 1)) {
    requests += usage.tasks;
    mills += usage.mills;
    add(by_model, usage.endpoint, usage);
    add(by_day, base::iso8601(usage.day).substr(0, 10), usage);
  }
  return success({{"period", "30d"},
                  {"total_requests", requests},
                  {"total_cost", dollars(mills)},
                  {"by_model", by_model},
                  {"by_day", by_day}});
}

}  // namespace api::wavespeed
