// SPDX-License-Identifier: Apache-2.0
#include "hub/errors.h"

#include "base/text.h"

namespace hub {
namespace {

using base::Error;
using base::Fault;
using base::text;

std::string advice_about_token(const Place& place) {
  if (place.token_variable.empty()) return {};
  return place.has_token ? text("; the token in ", place.token_variable, " is not enough for it")
                         : text("; ", place.token_variable, " is not set");
}

// The hub says more than its status does.
std::string error_code(const http::Reply& reply) {
  const auto* code = http::find(reply.headers, "x-error-code");
  return code == nullptr ? std::string() : *code;
}

}  // namespace

void throw_status(const Place& place, const http::Reply& reply) {
  const auto code = error_code(reply);
  if (code == "GatedRepo") {
    throw Error(Fault::invalid,
                text("lora_unauthorized: ",
                     place.what,
                     " is gated: its terms must be accepted on the site",
                     advice_about_token(place)));
  }
  if (reply.status == 401 || reply.status == 403) {
    // A hub does not tell strangers which private repositories there are.
    const auto* what = code == "RepoNotFound" ? " is private or does not exist" : " needs a token";
    throw Error(Fault::invalid,
                text("lora_unauthorized: ", place.what, what, advice_about_token(place)),
                text("the server answered ", reply.status));
  }
  if (reply.status == 404 || reply.status == 410) {
    const auto* what = code == "RevisionNotFound" ? " has no such revision" : " does not exist";
    throw Error(Fault::not_found, text("lora_not_found: ", place.what, what));
  }
  throw Error(Fault::upstream,
              text("fetch_failed: ", place.what, ": the server answered ", reply.status));
}

void throw_too_large(const std::string& what, uint64_t bytes, uint64_t most) {
  throw Error(Fault::invalid,
              text("lora_too_large: ",
                   what,
                   " has ",
                   base::human_bytes(bytes),
                   ", at most ",
                   base::human_bytes(most),
                   " are allowed"));
}

base::Error with_code(const base::Error& error) {
  const std::string message = error.what();
  for (const auto* code : {"fetch_", "lora_"}) {
    if (message.starts_with(code)) return error;
  }
  return {error.fault(), "fetch_failed: " + message, error.detail()};
}

}  // namespace hub
