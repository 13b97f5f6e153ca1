// SPDX-License-Identifier: Apache-2.0
// One connection: requests are read, served and answered one after the other.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "http/body_sink.h"
#include "http/range.h"
#include "http/stream.h"

namespace http {

// Whether a new connection is served, or only told that there are too many.
enum class Admission { served, turned_away };

class Connection {
 public:
  Connection(Socket socket, Shared& shared, Admission admission);

  // Until the connection is closed. Throws nothing.
  static boost::asio::awaitable<void> run(std::unique_ptr<Connection> connection);

 private:
  // What follows an exchange: the next one, a close that lets the client read what was sent, or a
  // close at once, since nobody is there.
  enum class Next { request, close, gone };
  using Step = boost::asio::awaitable<Next>;

  boost::asio::awaitable<void> serve();
  Step exchange();
  Request request_of(Head head);
  Step answer_request(Request& request, Framing framing);
  Step answer_refusal(int status, std::string reason, const Request* request);

  boost::asio::awaitable<HeadSearch> receive_head();
  boost::asio::awaitable<bool> receive_more();
  // Why the request is refused; status 0: the body is there, kGone: nobody waits for an answer.
  boost::asio::awaitable<Refusal> receive_body(Request& request,
                                               uint64_t bytes,
                                               const Reception& to,
                                               MemoryShare& share);
  boost::asio::awaitable<Response> handle(Request& request);
  Reception receive(Request& request);
  base::Error log_current_error(const Request& request) const;
  int64_t body_deadline(int64_t begin, uint64_t received, Reception::Kind kind) const;

  // What is sent, and whether the connection may live on.
  struct Answer {
    const Request* request;  // nullptr: none that could be understood
    bool keeps_alive;
  };
  Step send(Response response, Answer answer);
  Step send_text(Response& response, Answer answer);
  Step send_file(Response& response, const FileBody& body, Answer answer);
  Step send_events(Response& response, const EventStream& events, Answer answer);
  std::string head_of(int status, Fields& fields, Answer answer) const;
  static bool has_body(int status, Answer answer);
  static Next after(Answer answer);

  Shared& shared_;
  const Limits& limits_;
  Admission admission_;
  Stream stream_;
  std::string peer_;
  std::string id_;  // random; the ids of requests begin with it
  uint64_t requests_ = 0;
  std::string buffer_;  // what came in and was not used yet
};

}  // namespace http
