// SPDX-License-Identifier: Apache-2.0
// A request, its answer and what makes one of the other: the seam between the server and whoever
// serves.
#pragma once

#include <any>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "http/field.h"

namespace http {

// Everything in it is valid UTF-8 without control bytes, but for the values of header fields, which
// may hold any byte from 0x80 on, and the body.
struct Request {
  std::string method;      // one of GET HEAD POST PUT DELETE OPTIONS
  std::string path;        // begins with '/', decoded once, without ".." segments
  Fields query;            // decoded once, '+' is a space
  std::string query_text;  // as it came: what a signature was made of
  Fields headers;
  std::string body;  // where the service asked for memory

  // Where the service asked for a file: the body's file, its size and its SHA-256. Whoever wants to
  // keep the file renames it; the server removes what is still there after the answer.
  std::filesystem::path body_file;
  uint64_t body_bytes = 0;
  std::string body_sha256;

  std::string peer;  // the address at the other end, without its port; "unix" for a Unix socket
  std::string id;    // the X-Request-Id that came if that is fit for a log, else a unique one

  // Whether the client has closed its end, for handlers that wait. Not before a body was read.
  std::function<bool()> has_left = [] { return false; };

  // For the service, from receive() to handle(): what the route captured, and anything else.
  std::map<std::string, std::string> captured;
  std::any context;
};

// A file, of which the server sends what Range, If-Range and If-None-Match ask for.
struct FileBody {
  std::filesystem::path file;
  std::string media_type;
  std::string etag;  // strong, without quotes; empty: none, and If-Range is never true
};

// A server-sent event; `data` may have several lines.
struct Event {
  std::string name;
  std::string data;
  std::string id;
};

// Server-sent events. `next` is awaited again and again and gives what happened: no events when
// `patience` is over, upon which the server sends a ping, and nothing at all when the stream ends.
// It is not awaited again once the client is gone or the server drains.
struct EventStream {
  using Batch = std::optional<std::vector<Event>>;
  std::function<boost::asio::awaitable<Batch>(std::chrono::milliseconds patience)> next;
};

// The server adds Content-Length, Content-Range, Accept-Ranges, ETag, Date, Connection and
// X-Request-Id, and for a FileBody or an EventStream the Content-Type. HEAD is answered like GET:
// the server leaves out the body.
struct Response {
  int status = 200;
  Fields headers;
  std::variant<std::string, FileBody, EventStream> body;
  // Called where the client was gone before a text could be sent. Not being called proves nothing.
  std::function<void()> undelivered = {};
};

// What to do with a request whose head has been read and whose body has not.
struct Reception {
  enum Kind { none, memory, file };
  Kind kind = none;
  uint64_t max_bytes = 0;  // a longer body is refused with 413, as is any where none is wanted
  std::filesystem::path folder;  // for a file: where it is written
  std::optional<Response> refusal;
};

// What a server serves. All three are called from several threads at once, and may block one. What
// receive() or handle() throws is answered with 500. A request lives until its answer is sent.
struct Service {
  // Sees everything but the body. The place to authenticate and to refuse sizes.
  std::function<Reception(Request& head)> receive;
  std::function<boost::asio::awaitable<Response>(Request& request)> handle;
  // The answer to what the server itself refuses, in the service's shape. The reason is a sentence
  // for the client. No request: there was none that could be understood.
  std::function<Response(int status, const std::string& reason, const Request* request)> refuse;
};

}  // namespace http
