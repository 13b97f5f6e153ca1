// SPDX-License-Identifier: Apache-2.0
#include "api/links.h"

namespace api {
namespace {

// The server has refused hosts that are none.
std::string base_of(const Context& context, const http::Request& request) {
  const auto& settings = context.settings;
  const auto* host = http::find(request.headers, "host");
  const bool is_told =
      !settings.has_public_url && request.peer != "unix" && host != nullptr && !host->empty();
  return is_told ? "http://" + *host : settings.public_url;
}

std::string path_of(const std::string& upload_id) {
  return "/uploads/" + upload_id;
}

}  // namespace

Links::Links(const Context& context, const http::Request& request)
    : context_(context), base_(base_of(context, request)) {}

Links::Links(const Context& context) : context_(context), base_(context.settings.public_url) {}

std::string Links::task(const std::string& id) const {
  return base_ + "/api/v3/predictions/" + id + "/result";
}

std::string Links::output(const tasks::Task& task, const tasks::Output& output) const {
  // Without streams: most requests ask for this.
  const auto path = "/files/" + task.id + '/' + std::to_string(task.attempt) + '/' + output.name;
  return base_ +
         context_.signer.sign_get(path, context_.settings.result_life, objects::Disposition::shown);
}

std::string Links::upload(const std::string& id) const {
  const std::chrono::seconds life(context_.settings.retention_ms / 1000);
  return base_ + context_.signer.sign_get(path_of(id), life, objects::Disposition::shown);
}

std::string Links::ticket(const std::string& id, const objects::UploadTicket& ticket) const {
  return base_ + context_.signer.sign_put(path_of(id), context_.settings.ticket_life, ticket);
}

}  // namespace api
