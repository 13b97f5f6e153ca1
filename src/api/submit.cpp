// SPDX-License-Identifier: Apache-2.0
#include "api/submit.h"

#include "api/body_fields.h"
#include "api/limits.h"
#include "api/problem.h"
#include "base/error.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "http/egress.h"

namespace api {
namespace {

using base::Error;
using base::Fault;
using base::Json;
using base::text;

void check_adapters(const catalog::GenerateRequest& request) {
  const auto adapters =
      request.loras.size() + request.high_noise_loras.size() + request.low_noise_loras.size();
  if (adapters > 0) {
    throw Error(Fault::invalid, "loras: this server cannot apply adapters yet; send none");
  }
}

std::string idempotency_key(const Call& call) {
  const auto* key = http::find(call.request.headers, "idempotency-key");
  if (key == nullptr) return {};
  if (key->empty() || key->size() > kMostIdempotencyKey || !is_printable(*key)) {
    throw Error(
        Fault::invalid,
        text("Idempotency-Key: is not 1 to ", kMostIdempotencyKey, " printable ASCII characters"));
  }
  return *key;
}

}  // namespace

tasks::Submitted submit(Context& context, const Call& call, const Submission& submission) {
  check_adapters(submission.request);
  const auto& endpoint = submission.endpoint;
  const auto body = submission.body.dump();
  const tasks::NewTask task{
      .tenant = call.caller.tenant,
      .key_id = call.caller.key_id,
      .endpoint = std::string(endpoint.id),
      .wire = std::string(catalog::name_of(endpoint.wire)),
      .weights = std::string(endpoint.weights),
      .input = body,
      .request = Json({{"request", catalog::to_json(submission.request)},
                       {"warnings", submission.warnings}})
                     .dump(),
      .price_mills = catalog::price_mills(endpoint, submission.request),
      .priority = call.caller.priority,
      .body_hash = crypto::sha256_hex(text(endpoint.id, '\n', submission.webhook_url, '\n', body)),
      .idempotency_key = idempotency_key(call),
      .webhook_url = submission.webhook_url};
  try {
    return context.store.create(task, call.caller.limits);
  } catch (const Error& error) {
    if (error.fault() == Fault::conflict) throw KeyReused(error);
    throw;
  }
}

Json json_body(const Call& call) {
  if (call.request.body.empty()) {
    throw Error(Fault::invalid, "request body: is empty, expected a JSON object");
  }
  auto body = base::parse_json(call.request.body, "request body");
  if (!body.is_object()) {
    throw Error(Fault::invalid,
                text("request body: is a JSON ", body.type_name(), ", expected an object"));
  }
  return body;
}

}  // namespace api
