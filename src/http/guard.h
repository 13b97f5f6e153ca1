// SPDX-License-Identifier: Apache-2.0
// The header guard: the only reading of a request's head, strict enough that no other reading of
// the same bytes can find another request in them.
//
// Follows RFC 9112 where that is strict and refuses where it leaves a choice: no Transfer-Encoding,
// no folded fields, no line that ends with anything but CR LF.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "http/field.h"

namespace http {

struct HeadLimits {
  size_t bytes = 16 << 10;  // of the whole head
  size_t target = 8 << 10;
  size_t fields = 64;
};

// Why a request is refused. The reason is a sentence for the client; nothing of the request is
// repeated in it.
struct Refusal {
  int status = 0;
  std::string reason;
};

// What the head says of the bytes behind it.
struct Framing {
  uint64_t body_bytes = 0;
  bool expects_continue = false;
  bool keeps_alive = false;  // HTTP/1.1 and no "Connection: close"
};

struct Head {
  std::string method;
  std::string path;  // decoded, as are the query's names and values: see target.h
  Fields query;
  std::string query_text;  // as it came
  Fields headers;
  Framing framing;
};

// How much of the bytes is the head.
struct HeadSearch {
  size_t length = 0;     // with the empty line; 0: its end has not come yet
  int refused = 0;       // the status with which these bytes are refused already
  std::string_view why;  // the reason then
};

// `seen` bytes were looked at before. Refuses early what can not become a head any more, so that
// nobody waits for the time limit: a line end without CR, a control byte (a TLS greeting), too
// much.
HeadSearch find_head(std::string_view bytes, size_t seen, const HeadLimits& limits);

// Reads a head that ends with its empty line. All the rules are here; after a refusal the
// connection must be closed, since where the next request begins is then unknown.
std::variant<Head, Refusal> read_head(std::string_view bytes, const HeadLimits& limits);

}  // namespace http
