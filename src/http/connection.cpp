// SPDX-License-Identifier: Apache-2.0
// The receiving half and the order of things; the sending half is in connection_send.cpp.
#include "http/connection.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "crypto/random.h"
#include "http/response_head.h"

namespace http {
namespace {

namespace asio = boost::asio;

// Enough for the whole of most requests, and little enough for thousands of connections.
constexpr size_t kReadBytes = 2 << 10;
constexpr size_t kBodyPiece = 64 << 10;
constexpr size_t kMaxRequestId = 64;
constexpr int kGone = -1;

bool is_fit_for_a_log(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestId &&
         id.find_first_not_of(
             "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-") ==
             std::string_view::npos;
}

// Removes the body's file unless somebody took it.
struct BodyFileRemover {
  const Request& request;
  ~BodyFileRemover() {
    std::error_code ignored;
    if (!request.body_file.empty()) std::filesystem::remove(request.body_file, ignored);
  }
};

}  // namespace

Connection::Connection(Socket socket, Shared& shared, Admission admission)
    : shared_(shared),
      limits_(shared.options.limits),
      admission_(admission),
      stream_(std::move(socket), shared),
      peer_(stream_.peer()),
      id_(crypto::random_hex(6)) {}

asio::awaitable<void> Connection::run(std::unique_ptr<Connection> connection) {
  try {
    co_await connection->serve();
  } catch (...) {
    const auto error = base::current_error();
    connection->shared_.log(
        base::text("a connection failed: ", error.what(), ": ", error.detail()));
  }
}

asio::awaitable<void> Connection::serve() {
  if (peer_.empty()) co_return;
  auto next = Next::request;
  if (admission_ == Admission::turned_away) {
    next = co_await answer_refusal(503, "there are too many connections", nullptr);
  }
  while (next == Next::request) next = co_await exchange();
  if (next == Next::close) co_await stream_.linger();
}

Connection::Step Connection::exchange() {
  const auto search = co_await receive_head();
  if (search.refused != 0) {
    co_return co_await answer_refusal(search.refused, std::string(search.why), nullptr);
  }
  if (search.length == 0) co_return Next::gone;
  auto read = read_head(std::string_view(buffer_).substr(0, search.length), limits_.head);
  buffer_.erase(0, search.length);
  if (auto* refusal = std::get_if<Refusal>(&read)) {
    co_return co_await answer_refusal(refusal->status, std::move(refusal->reason), nullptr);
  }
  auto& head = std::get<Head>(read);
  const auto framing = head.framing;
  Request request = request_of(std::move(head));
  const BodyFileRemover remover{request};
  const auto next = co_await answer_request(request, framing);
  if (buffer_.capacity() > 2 * kReadBytes) buffer_.shrink_to_fit();  // there may be thousands
  co_return next;
}

Request Connection::request_of(Head head) {
  Request request;
  request.method = std::move(head.method);
  request.path = std::move(head.path);
  request.query = std::move(head.query);
  request.query_text = std::move(head.query_text);
  request.headers = std::move(head.headers);
  request.peer = peer_;
  ++requests_;
  const auto* id = find(request.headers, "x-request-id");
  const bool is_fit = id != nullptr && is_fit_for_a_log(*id);
  request.id = is_fit ? *id : id_ + '-' + std::to_string(requests_);
  return request;
}

Connection::Step Connection::answer_request(Request& request, Framing framing) {
  stream_.deadline().set_working();
  auto reception = receive(request);
  // Bytes of a body that nobody reads would be taken for the next request.
  const auto most = reception.kind == Reception::none ? 0 : reception.max_bytes;
  if (!reception.refusal && framing.body_bytes > most) {
    co_return co_await answer_refusal(
        413, base::text("the body is larger than ", most, " bytes"), &request);
  }
  if (reception.refusal) {
    const Answer answer{&request, framing.keeps_alive && framing.body_bytes == 0};
    co_return co_await send(std::move(*reception.refusal), answer);
  }
  if (framing.expects_continue && framing.body_bytes > 0 && buffer_.empty()) {
    const bool is_sent = co_await stream_.write("HTTP/1.1 100 Continue\r\n\r\n");
    if (!is_sent) co_return Next::gone;
  }
  MemoryShare share(shared_.body_memory);
  const auto refusal = co_await receive_body(request, framing.body_bytes, reception, share);
  if (refusal.status == kGone) co_return Next::gone;
  if (refusal.status != 0) {
    co_return co_await answer_refusal(refusal.status, refusal.reason, &request);
  }
  stream_.deadline().set_working();
  request.has_left = [this] { return stream_.has_left(); };
  auto response = co_await handle(request);
  const Answer answer{&request, framing.keeps_alive};
  co_return co_await send(std::move(response), answer);
}

Connection::Step Connection::answer_refusal(int status,
                                            std::string reason,
                                            const Request* request) {
  auto response = shared_.service.refuse(status, reason, request);
  const Answer answer{request, false};
  co_return co_await send(std::move(response), answer);
}

asio::awaitable<HeadSearch> Connection::receive_head() {
  const auto start_clock = [this] {
    stream_.deadline().set(Deadline::receiving, shared_.now() + limits_.head_time.count());
  };
  if (buffer_.empty()) {
    stream_.deadline().set(Deadline::idle, shared_.now() + limits_.idle_time.count());
    if (shared_.is_draining) co_return HeadSearch{};
    const bool has_begun = co_await receive_more();
    if (!has_begun) co_return HeadSearch{};
  }
  start_clock();
  size_t seen = 0;
  for (;;) {
    const auto search = find_head(buffer_, seen, limits_.head);
    if (search.length != 0 || search.refused != 0) co_return search;
    seen = buffer_.size();
    const bool has_more = co_await receive_more();
    if (has_more) continue;
    if (!stream_.deadline().was_cut()) co_return HeadSearch{};
    co_return HeadSearch{0, 408, "the header came too slowly"};
  }
}

asio::awaitable<bool> Connection::receive_more() {
  const auto had = buffer_.size();
  buffer_.resize(had + kReadBytes);
  const auto count = co_await stream_.read_some(buffer_.data() + had, kReadBytes);
  buffer_.resize(had + count);
  co_return count > 0;
}

asio::awaitable<Refusal> Connection::receive_body(Request& request,
                                                  uint64_t bytes,
                                                  const Reception& to,
                                                  MemoryShare& share) {
  if (to.kind == Reception::none) co_return Refusal{};
  const auto has_room = [&](uint64_t more) {
    return to.kind == Reception::file || share.take(more, limits_.body_memory);
  };
  try {
    BodySink sink(to, request);
    const auto at_hand = static_cast<size_t>(std::min<uint64_t>(bytes, buffer_.size()));
    sink.add(std::string_view(buffer_).substr(0, at_hand));
    buffer_.erase(0, at_hand);
    const auto begin = shared_.now();
    bool is_held = has_room(at_hand);
    std::vector<char> piece(std::min<uint64_t>(bytes - at_hand, kReadBytes));
    while (is_held && request.body_bytes < bytes) {
      stream_.deadline().set(Deadline::receiving,
                             body_deadline(begin, request.body_bytes, to.kind));
      const auto wanted = std::min<uint64_t>(bytes - request.body_bytes, piece.size());
      const auto count = co_await stream_.read_some(piece.data(), static_cast<size_t>(wanted));
      if (count == 0 && !stream_.deadline().was_cut()) co_return Refusal{kGone, {}};
      if (count == 0) co_return Refusal{408, "the body came too slowly"};
      sink.add({piece.data(), count});
      is_held = has_room(count);
      // Who sends much at once is read in larger pieces; thousands that drip take little.
      if (count == piece.size()) piece.resize(std::min(2 * piece.size(), kBodyPiece));
    }
    if (!is_held) co_return Refusal{503, "the server holds too many requests; try again later"};
    sink.finish();
    co_return Refusal{};
  } catch (...) {
    const auto error = log_current_error(request);
    if (error.fault() == base::Fault::exhausted) co_return Refusal{507, error.what()};
    co_return Refusal{500, "internal error"};
  }
}

int64_t Connection::body_deadline(int64_t begin, uint64_t received, Reception::Kind kind) const {
  const auto earned = static_cast<int64_t>(received * 1000 / limits_.body_rate);
  auto deadline = begin + limits_.body_grace.count() + earned;
  deadline = std::min(deadline, shared_.now() + limits_.stall_time.count());
  if (kind == Reception::memory) deadline = std::min(deadline, begin + limits_.memory_time.count());
  return deadline;
}

Reception Connection::receive(Request& request) {
  try {
    auto reception = shared_.service.receive(request);
    if (reception.refusal) check_fields(reception.refusal->headers);
    return reception;
  } catch (...) {
    log_current_error(request);
  }
  return {.refusal = shared_.service.refuse(500, "internal error", &request)};
}

asio::awaitable<Response> Connection::handle(Request& request) {
  try {
    auto response = co_await shared_.service.handle(request);
    check_fields(response.headers);
    co_return response;
  } catch (...) {
    log_current_error(request);
  }
  co_return shared_.service.refuse(500, "internal error", &request);
}

base::Error Connection::log_current_error(const Request& request) const {
  auto error = base::current_error();
  shared_.log(base::text("request ", request.id, ": ", error.what(), ": ", error.detail()));
  return error;
}

}  // namespace http
