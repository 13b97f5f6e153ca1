// SPDX-License-Identifier: Apache-2.0
// HTTP requests that we send: to workers and servers of ours, to stores of weights, and, behind the
// egress wall, to wherever a user says.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/egress.h"
#include "http/field.h"

namespace http {

struct Reply {
  int status = 0;
  Fields headers;
  std::string body;
  std::string url;  // the last one, after redirects
};

struct Call {
  std::string method = "GET";
  std::string url;
  Fields headers;

  // What is sent: `body`, or the bytes of the file `upload` where that is named.
  std::string body;
  std::filesystem::path upload;

  std::filesystem::path unix_socket;  // connects there instead of to the URL's host
  int redirects = 0;                  // that are followed, by GET and HEAD only

  uint64_t max_bytes = 16 << 20;  // of the answer's body; more is an error
  std::chrono::milliseconds connect_time{5'000};
  std::chrono::milliseconds total_time{120'000};  // with all redirects; zero: no limit
  std::chrono::milliseconds stall_time{60'000};  // below 1 kB/s for so long is an error; zero: none

  // Takes the body of a 2xx answer in pieces, which then is not in Reply::body. What it throws ends
  // the call. The head has no body yet.
  std::function<void(const Reply& head, std::string_view piece)> sink;

  // Is told, at least about once a second, how many bytes of bodies went either way. False ends the
  // call with base::Cancelled.
  std::function<bool(uint64_t sent, uint64_t received)> progress;
};

struct ClientOptions {
  std::optional<EgressPolicy> wall;  // for URLs that users give
  std::filesystem::path ca_file;     // in place of the system's certificates
  std::string user_agent = "zoetrope";
};

// Usable from several threads at once; a call blocks its own. Connections are kept and used again,
// within one client only: one behind a wall never uses a connection that was made without it.
//
// An answer of any status is a Reply; failures are base::Error(upstream). Behind a wall there are
// two, neither of which tells of the network: `invalid` "fetch_refused: …" for what the wall does
// not let through and `upstream` "fetch_failed: …" for everything else; the reason is in the
// detail, for the log. Proxies of the environment are used, but neither behind a wall nor for a
// Unix socket. The answer comes as it is stored: no content encoding is asked for and one that
// comes all the same is an error.
class Client {
 public:
  explicit Client(ClientOptions options = {});
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  Reply send(const Call& call);

  // Sends and writes the body of the answer to `file`, which is there only when it is complete, and
  // throws for an answer other than 2xx.
  Reply download(Call call, const std::filesystem::path& file);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace http
