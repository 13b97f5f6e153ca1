// SPDX-License-Identifier: Apache-2.0
#include "api/problem.h"

#include "tasks/task.h"

namespace api {
namespace {

using base::Fault;
using base::Json;
using Limit = tasks::LimitReached::Limit;

// Seconds after which a client may try again.
constexpr auto* kQueueRetry = "10";
constexpr auto* kDiskRetry = "60";

const tasks::LimitReached* limit_in(const base::Error& error) {
  return dynamic_cast<const tasks::LimitReached*>(&error);
}

// Source: wire-apis D3, the union of Jiekou's and Novita's tables.
std::string reason_of(int status) {
  switch (status) {
    case 400:
    case 408:
    case 411:
    case 413:
    case 414:
    case 417:
    case 422:
    case 431:
      return "INVALID_REQUEST_BODY";
    case 401:
      return "FAILED_TO_AUTH";
    case 403:
      return "ACCESS_DENY";
    case 404:
      return "TASK_NOT_FOUND";
    case 405:
      return "API_NOT_FOUND";
    case 429:
      return "RATE_LIMIT_EXCEEDED";
    case 503:
    case 507:
      return "SERVICE_NOT_AVAILABLE";
    default:
      return "CREATE_TASK_FAILED";
  }
}

}  // namespace

http::Response json_response(int status, const Json& body) {
  return {.status = status,
          .headers = {{"content-type", "application/json"}, {"cache-control", "no-store"}},
          .body = body.dump(-1, ' ', false, Json::error_handler_t::replace)};
}

http::Response problem(Dialect dialect, int status, const std::string& message) {
  return problem(dialect, status, reason_of(status), message);
}

http::Response problem(Dialect dialect,
                       int status,
                       const std::string& reason,
                       const std::string& message,
                       const Json& metadata) {
  Json body = {{"code", status}, {"message", message}};
  if (dialect == Dialect::jiekou) body.update({{"reason", reason}, {"metadata", metadata}});
  auto response = json_response(status, body);
  if (status == 503) response.headers.push_back({"retry-after", kQueueRetry});
  if (status == 507) response.headers.push_back({"retry-after", kDiskRetry});
  return response;
}

http::Response problem(Dialect dialect, const base::Error& error) {
  const auto status = status_of(error);
  const auto* limit = limit_in(error);
  const bool is_money = limit != nullptr && limit->limit() == Limit::spending_cap;
  auto response =
      problem(dialect, status, is_money ? "NOT_ENOUGH_BALANCE" : reason_of(status), error.what());
  if (status == 429) response.headers.push_back({"retry-after", kQueueRetry});
  return response;
}

int status_of(const base::Error& error) {
  if (const auto* limit = limit_in(error)) {
    if (limit->limit() == Limit::disk) return 507;
    // The vendors' word for an empty account is a 400 or a 403, wire-apis A6 and D3.
    return limit->limit() == Limit::spending_cap ? 403 : 429;
  }
  if (dynamic_cast<const KeyReused*>(&error) != nullptr) return 422;
  switch (error.fault()) {
    case Fault::invalid:
      return 400;
    case Fault::unauthorized:
      return 401;
    case Fault::forbidden:
      return 403;
    case Fault::not_found:
      return 404;
    case Fault::conflict:
      return 409;
    case Fault::exhausted:
      return 507;
    case Fault::upstream:
      return 503;
    case Fault::internal:
      return 500;
  }
  return 500;
}

}  // namespace api
