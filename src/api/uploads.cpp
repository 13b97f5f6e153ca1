// SPDX-License-Identifier: Apache-2.0
#include "api/uploads.h"

#include <algorithm>
#include <charconv>

#include "api/body_fields.h"
#include "api/limits.h"
#include "api/links.h"
#include "api/prediction.h"
#include "api/submit.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "catalog/values.h"
#include "http/multipart.h"
#include "objects/label.h"
#include "objects/media_type.h"

namespace api::uploads {
namespace {

using base::Error;
using base::Fault;
using base::Json;
using base::text;

void check_room(const Context& context, uint64_t bytes) {
  if (context.objects.room_left() < bytes) {
    throw Error(Fault::exhausted, "the server's disk has no room for this file; try again later");
  }
}

const http::Part& file_of(const std::vector<http::Part>& parts) {
  for (const auto& part : parts) {
    if (part.name == "file") return part;
  }
  throw Error(Fault::invalid, "file: is missing in the form");
}

// The part as a file of its own.
objects::Upload publish_part(Context& context, const Call& call, const http::Part& part) {
  const base::MappedFile body(call.request.body_file);
  const auto bytes = body.bytes().subspan(part.offset, part.length);
  const auto writer = context.objects.begin(part.length);
  writer->write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  return context.objects.publish_upload(
      writer->finish(), objects::Store::new_upload_id(call.caller.tenant), part.filename);
}

objects::Upload take_form(Context& context, const Call& call) {
  const auto* type = http::find(call.request.headers, "content-type");
  const auto parts =
      http::read_multipart_file(call.request.body_file, type == nullptr ? std::string() : *type);
  return publish_part(context, call, file_of(parts));
}

http::Response send(const std::filesystem::path& file,
                    const std::string& media_type,
                    const std::string& etag,
                    const std::string& name,
                    objects::Disposition disposition) {
  const bool is_saved = disposition == objects::Disposition::saved;
  return {.headers = {{"content-disposition",
                       text(is_saved ? "attachment" : "inline", "; filename=\"", name, '"')},
                      {"x-content-type-options", "nosniff"},
                      {"content-security-policy", "sandbox; default-src 'none'"},
                      {"referrer-policy", "no-referrer"},
                      {"cross-origin-resource-policy", "cross-origin"},
                      {"access-control-allow-origin", "*"},
                      {"cache-control", "private, max-age=3600"}},
          .body = http::FileBody{.file = file, .media_type = media_type, .etag = etag}};
}

int attempt_in(const http::Request& request) {
  const auto& word = request.captured.at("attempt");
  int attempt = 0;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), attempt);
  if (problem != std::errc() || end != word.data() + word.size()) {
    throw Error(Fault::not_found, "there is no such file");
  }
  return attempt;
}

}  // namespace

http::Response ticket(Context& context, const Call& call) {
  const auto body = json_body(call);
  BodyFields fields(body);
  const auto name = fields.word("filename");
  const auto size = fields.whole("size", 0, 0, static_cast<int64_t>(context.settings.upload_bytes));
  const auto type = fields.word("content_type");
  if (name.empty()) fields.complain("filename: is missing");
  if (catalog::member(body, "size") == nullptr) fields.complain("size: is missing");
  if (type.size() > kMostContentType || !is_printable(type)) {
    fields.complain("content_type: is no media type");
  }
  fields.done();
  check_room(context, static_cast<uint64_t>(size));
  const auto id = objects::Store::new_upload_id(call.caller.tenant);
  const auto content_type = type.empty() ? "application/octet-stream" : type;
  const Links links(context, call.request);
  const auto url = links.ticket(id,
                                {.bytes = static_cast<uint64_t>(size),
                                 .content_type = content_type,
                                 .name = objects::label(name)});
  return success(
      {{"download_url", links.upload(id)},
       {"upload",
        {{"method", "PUT"}, {"url", url}, {"headers", {{"Content-Type", content_type}}}}}});
}

http::Reception receive_ticket(Context& context, http::Request& head) {
  const auto ticket = context.signer.verify_put(head.path, head.query_text);
  check_room(context, ticket.bytes);
  return {.kind = http::Reception::file,
          .max_bytes = ticket.bytes,
          .folder = context.objects.incoming()};
}

http::Response put(Context& context, const Call& call) {
  const auto& request = call.request;
  const auto ticket = context.signer.verify_put(request.path, request.query_text);
  if (request.body_bytes != ticket.bytes) {
    throw Error(
        Fault::invalid,
        text("size: the ticket is for ", ticket.bytes, " bytes, ", request.body_bytes, " came"));
  }
  const objects::Received received{
      .file = request.body_file,
      .content = {.bytes = request.body_bytes, .sha256 = request.body_sha256}};
  context.objects.publish_upload(received, request.captured.at("id"), ticket.name);
  return {.headers = {{"etag", text('"', request.body_sha256, '"')}}};
}

http::Response form(Context& context, const Call& call) {
  const auto upload = take_form(context, call);
  return success({{"type", objects::kind_of(upload.media_type)},
                  {"download_url", Links(context, call.request).upload(upload.id)},
                  {"filename", upload.name},
                  {"size", upload.content.bytes}});
}

http::Response form_older(Context& context, const Call& call) {
  const auto upload = take_form(context, call);
  return success({{"url", Links(context, call.request).upload(upload.id)}});
}

http::Response result(Context& context, const Call& call) {
  const auto& request = call.request;
  const auto disposition = context.signer.verify_get(request.path, request.query_text);
  const auto& name = request.captured.at("name");
  const auto file = context.objects.open_result(
      {.task = request.captured.at("task"), .attempt = attempt_in(request), .name = name});
  const auto head = base::MappedFile(file.path);
  const auto first = head.bytes().first(std::min<size_t>(64, head.bytes().size()));
  const auto type =
      objects::media_type_of({reinterpret_cast<const char*>(first.data()), first.size()});
  // What has this name is never another file: its attempt is in it.
  const auto etag = text(request.captured.at("task"), '-', attempt_in(request), '-', name);
  return send(file.path, std::string(type), etag, name, disposition);
}

http::Response upload(Context& context, const Call& call) {
  const auto& request = call.request;
  const auto disposition = context.signer.verify_get(request.path, request.query_text);
  const auto upload = context.objects.find_upload(request.captured.at("id"));
  return send(
      upload.path,
      upload.media_type,
      upload.content.sha256,
      upload.content.sha256.substr(0, 16) + std::string(objects::extension_of(upload.media_type)),
      disposition);
}

}  // namespace api::uploads
