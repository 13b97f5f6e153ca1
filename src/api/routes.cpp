// SPDX-License-Identifier: Apache-2.0
#include "api/routes.h"

#include "api/admin.h"
#include "api/health.h"
#include "api/jiekou.h"
#include "api/uploads.h"
#include "api/wavespeed.h"
#include "api/worker_protocol.h"

namespace api {
namespace {

constexpr auto kWave = Dialect::wavespeed;
constexpr auto kJiekou = Dialect::jiekou;
using enum Access;

// clang-format off
constexpr Route kRoutes[] = {
    // ── WaveSpeed v3 (wire-apis A1), and what its older clients call v2 ──
    {"GET",  "/api/v3/predictions/{id}/result", kWave, read,  Body::none, wavespeed::result, "A prediction", "PredictionAnswer"},
    {"GET",  "/api/v3/predictions/{id}",        kWave, read,  Body::none, wavespeed::result, "A prediction", "PredictionAnswer"},
    {"GET",  "/api/v3/predictions/{id}/events", kWave, read,  Body::none, wavespeed::events, "Server-sent events of a prediction", ""},
    {"POST", "/api/v3/predictions/{id}/cancel", kWave, write, Body::none, wavespeed::cancel, "Cancel a prediction", "PredictionAnswer"},
    {"POST", "/api/v3/predictions/{id}/webhook", kWave, write, Body::none, wavespeed::replay_webhook, "Send a prediction's webhook again", "PredictionAnswer"},
    {"POST", "/api/v3/predictions",             kWave, read,  Body::json, wavespeed::list,   "List predictions", "PredictionListAnswer", "PredictionFilter"},
    {"POST", "/api/v3/predictions/delete",      kWave, write, Body::json, wavespeed::remove, "Delete predictions", "DeletedAnswer", "PredictionIds"},
    {"GET",  "/api/v3/balance",                 kWave, read,  Body::none, wavespeed::balance, "What is left to be spent", "BalanceAnswer"},
    {"GET",  "/api/v3/account/usage",           kWave, read,  Body::none, wavespeed::usage,  "What was spent, by model and by day", "UsageAnswer"},
    {"GET",  "/api/v3/models",                  kWave, read,  Body::none, wavespeed::models, "The models", "ModelListAnswer"},
    {"POST", "/api/v3/model/pricing",           kWave, read,  Body::json, wavespeed::pricing, "The price of a request", "PricingAnswer", "PriceQuestion"},
    {"POST", "/api/v3/model/price",             kWave, read,  Body::json, wavespeed::price,  "The price of a request, newer form", "PriceAnswer", "PriceQuestion"},
    {"GET",  "/api/v3/webhook/secret",          kWave, write, Body::none, wavespeed::webhook_secret, "The secret that signs webhooks", "WebhookSecretAnswer"},
    {"POST", "/api/v3/media/uploads",           kWave, write, Body::json, uploads::ticket,   "A ticket for an upload", "TicketAnswer", "TicketRequest"},
    {"POST", "/api/v3/media/upload/binary",     kWave, write, Body::upload, uploads::form,   "Upload a file as a form", "UploadAnswer", "UploadForm"},
    {"POST", "/api/v3/upload",                  kWave, write, Body::upload, uploads::form_older, "Upload a file as a form, older form", "OlderUploadAnswer", "UploadForm"},
    {"POST", "/api/v3/{model...}",              kWave, write, Body::json, wavespeed::submit, "Submit", "PredictionAnswer"},
    {"GET",  "/api/v2/predictions/{id}/result", kWave, read,  Body::none, wavespeed::result, "A prediction", "PredictionAnswer"},
    {"POST", "/api/v2/media/upload/binary",     kWave, write, Body::upload, uploads::form,   "Upload a file as a form", "UploadAnswer", "UploadForm"},
    {"POST", "/api/v2/{model...}",              kWave, write, Body::json, wavespeed::submit, "Submit", "PredictionAnswer"},

    // ── Jiekou and Novita, v3 async (wire-apis D) ──
    {"GET",  "/v3/async/task-result", kJiekou, read,  Body::none, jiekou::result, "A task's result", "TaskResult"},
    {"POST", "/v3/async/{model}",     kJiekou, write, Body::json, jiekou::submit, "Submit", "TaskId"},

    // ── Files ──
    {"GET",  "/files/{task}/{attempt}/{name}", kWave, link, Body::none,   uploads::result, "A result", ""},
    {"GET",  "/uploads/{id}",                  kWave, link, Body::none,   uploads::upload, "An upload", ""},
    {"PUT",  "/uploads/{id}",                  kWave, link, Body::custom, uploads::put,    "The bytes of an upload", "", "Bytes", uploads::receive_ticket},

    // ── Workers (docs/worker-protocol.md) ──
    {"POST", "/worker/v1/claim",                   kWave, worker, Body::json, worker_protocol::claim, "Take a task", "Claim", "ClaimRequest"},
    {"POST", "/worker/v1/tasks/{id}/heartbeat",    kWave, worker, Body::json, worker_protocol::heartbeat, "Keep it", "Heartbeat", "HeartbeatRequest"},
    {"PUT",  "/worker/v1/tasks/{id}/files/{name}", kWave, worker, Body::custom, worker_protocol::put_file, "Hand in a file", "FileTaken", "Bytes", worker_protocol::receive_file},
    {"POST", "/worker/v1/tasks/{id}/finish",       kWave, worker, Body::json, worker_protocol::finish, "It is done", "TaskState", "FinishRequest"},
    {"POST", "/worker/v1/tasks/{id}/fail",         kWave, worker, Body::json, worker_protocol::fail, "It failed", "TaskState", "FailRequest"},
    {"POST", "/worker/v1/tasks/{id}/release",      kWave, worker, Body::json, worker_protocol::release, "Give it back", "TaskState", "ReleaseRequest"},

    // ── Operators ──
    {"GET",  "/livez",        kWave, open,    Body::none, health::live,    "The process answers", "Health"},
    {"GET",  "/readyz",       kWave, open,    Body::none, health::ready,   "A worker is there", "Health"},
    {"GET",  "/healthz",      kWave, open,    Body::none, health::ready,   "The same", "Health"},
    {"GET",  "/version",      kWave, open,    Body::none, health::version, "The program's version", "Version"},
    {"GET",  "/metrics",      kWave, metrics, Body::none, health::metrics, "Metrics in Prometheus' text form", ""},
    {"GET",  "/openapi.json", kWave, open,    Body::none, health::openapi, "The API's description", "Document"},
    {"GET",  "/",             kWave, open,    Body::none, health::welcome, "What this is", "Document"},
    {"POST", "/admin/v1/keys",        kWave, owner, Body::json, admin::create_key, "Make a key", "Document", "Document"},
    {"GET",  "/admin/v1/keys",        kWave, owner, Body::none, admin::list_keys,  "List the keys", "Document"},
    {"POST", "/admin/v1/keys/revoke", kWave, owner, Body::json, admin::revoke_key, "Revoke a key", "Document", "Document"},
};
// clang-format on

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

std::string_view scope_of(Access access) {
  switch (access) {
    case Access::read:
      return "tasks:read";
    case Access::write:
      return "tasks:write";
    case Access::metrics:
      return "metrics";
    case Access::worker:
      return "worker";
    case Access::open:
    case Access::link:
    case Access::owner:
      return "";
  }
  return "";
}

}  // namespace api
