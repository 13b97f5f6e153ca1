// SPDX-License-Identifier: Apache-2.0
// The sending half of a connection.
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/connection.h"
#include "http/events.h"
#include "http/response_head.h"

namespace http {
namespace {

namespace asio = boost::asio;

struct OpenFile {
  int descriptor = -1;
  uint64_t bytes = 0;

  // Nothing that is not a plain file is opened.
  explicit OpenFile(const std::filesystem::path& path)
      : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    struct stat status {};
    if (descriptor >= 0 && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
      bytes = static_cast<uint64_t>(status.st_size);
    } else {
      close();
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { close(); }

  void close() {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
  }
};

bool has_no_body(int status) {
  return status == 204 || status == 304;
}

}  // namespace

Connection::Step Connection::send(Response response, Answer answer) {
  answer.keeps_alive = answer.keeps_alive && !shared_.is_draining;
  const auto* file = std::get_if<FileBody>(&response.body);
  if (file != nullptr && answer.request != nullptr) {
    co_return co_await send_file(response, *file, answer);
  }
  if (const auto* events = std::get_if<EventStream>(&response.body)) {
    co_return co_await send_events(response, *events, answer);
  }
  co_return co_await send_text(response, answer);
}

Connection::Step Connection::send_text(Response& response, Answer answer) {
  const auto& text = std::get<std::string>(response.body);
  auto& fields = response.headers;
  if (!has_no_body(response.status)) {
    fields.push_back({"content-length", std::to_string(text.size())});
  }
  const auto head = head_of(response.status, fields, answer);
  bool is_sent = !response.undelivered || !stream_.has_left();
  if (is_sent) {
    is_sent =
        co_await stream_.write(head, has_body(response.status, answer) ? text : std::string_view());
  }
  if (!is_sent && response.undelivered) response.undelivered();
  co_return is_sent ? after(answer) : Next::gone;
}

Connection::Step Connection::send_file(Response& response, const FileBody& body, Answer answer) {
  const OpenFile file(body.file);
  if (file.descriptor < 0) {
    co_return co_await answer_refusal(404, "the file is not there any more", answer.request);
  }
  const auto part =
      select_part(answer.request->method, answer.request->headers, file.bytes, body.etag);
  auto& fields = response.headers;
  fields.push_back({"accept-ranges", "bytes"});
  if (!body.etag.empty()) fields.push_back({"etag", '"' + body.etag + '"'});
  if (part.length > 0) fields.push_back({"content-type", body.media_type});
  if (!part.content_range.empty()) fields.push_back({"content-range", part.content_range});
  if (part.status != 304) fields.push_back({"content-length", std::to_string(part.length)});
  const auto head = head_of(part.status, fields, answer);
  bool is_sent = co_await stream_.write(head);
  if (is_sent && has_body(part.status, answer)) {
    is_sent = co_await stream_.send_file(file.descriptor, part.offset, part.length);
  }
  co_return is_sent ? after(answer) : Next::gone;
}

Connection::Step Connection::send_events(Response& response,
                                         const EventStream& events,
                                         Answer answer) {
  answer.keeps_alive = false;  // the end of the connection is the end of the stream
  auto& fields = response.headers;
  fields.push_back({"content-type", "text/event-stream"});
  fields.push_back({"cache-control", "no-store"});
  const auto head = head_of(response.status, fields, answer);
  bool is_sent = co_await stream_.write(head);
  while (is_sent && has_body(response.status, answer) && !shared_.is_draining) {
    stream_.deadline().set_working();
    const auto batch = co_await events.next(limits_.ping_time);
    if (!batch) break;
    std::string text;
    for (const auto& event : *batch) text += event_text(event);
    is_sent = !stream_.has_left();
    if (is_sent) is_sent = co_await stream_.write(text.empty() ? kPing : text);
  }
  co_return is_sent ? after(answer) : Next::gone;
}

bool Connection::has_body(int status, Answer answer) {
  return !has_no_body(status) && (answer.request == nullptr || answer.request->method != "HEAD");
}

Connection::Next Connection::after(Answer answer) {
  return answer.keeps_alive ? Next::request : Next::close;
}

std::string Connection::head_of(int status, Fields& fields, Answer answer) const {
  if (answer.request != nullptr) fields.push_back({"x-request-id", answer.request->id});
  fields.push_back({"date", http_date(shared_.options.clock.wall())});
  if (!answer.keeps_alive) fields.push_back({"connection", "close"});
  return head_text(status, fields);
}

}  // namespace http
