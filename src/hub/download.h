// SPDX-License-Identifier: Apache-2.0
// One file over HTTP: taken up where it broke off, over several connections where that helps,
// and checked.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "http/client.h"
#include "hub/errors.h"

namespace hub {

// How long is borne with a server that fails. A request is sent again after a broken connection and
// after the answers 408, 429 and 5xx.
struct Patience {
  int retries = 8;                            // in a row, without a MiB in between
  std::chrono::milliseconds first_wait{500};  // doubles with every retry
  std::chrono::milliseconds longest_wait{
      120'000};                                  // one that Retry-After asks for beyond is not made
  std::chrono::milliseconds stall_time{60'000};  // below 1 kB/s for so long is a broken connection
  std::chrono::milliseconds total_time{0};       // of a request with its tries; zero: no limit
  // Sleeps; tests put their own in place.
  std::function<void(std::chrono::milliseconds)> sleep;
};

// Is told how much of a file is here and how long it is (0: not known), again and again, from any
// thread but one at a time. False ends the work with base::Cancelled.
using ByteProgress = std::function<bool(uint64_t done, uint64_t total)>;

struct Download {
  std::string url;
  http::Fields headers;               // credentials among them go to the host of `url` only
  std::filesystem::path unix_socket;  // connects there instead of to the URL's host
  Place place;                        // for messages
  uint64_t bytes = 0;                 // that it must have; 0: not known
  std::string sha256;                 // that it must have; empty: not known
  uint64_t max_bytes = UINT64_MAX;
  int redirects = 5;
  int connections = 1;              // more need `bytes`
  uint64_t chunk_bytes = 64 << 20;  // that a connection fetches at a time
  Patience patience;
  ByteProgress progress;
};

struct Downloaded {
  uint64_t bytes = 0;
  std::string sha256;
  std::string etag;  // as it came, with its quotes; empty: there was none
};

// Writes the file, which is whole and checked once this returns, but not yet synced. After any
// failure but a wrong checksum it stays as it is, with a note beside it (FILE.json), and where the
// SHA-256 is known the next call goes on from there. Only one process may be at it.
//
// Throws base::Error with a code of errors.h, Error(exhausted) where the disk is full, and
// base::Cancelled.
Downloaded download(http::Client& client, const Download& what, const std::filesystem::path& file);

// Sends until there is an answer of the server that another try would not change, which may be a
// refusal. Throws as download().
http::Reply send_patiently(http::Client& client,
                           http::Call call,
                           const Place& place,
                           const Patience& patience,
                           const std::function<bool()>& goes_on);

// Hex digits of the file's SHA-256.
std::string sha256_of(const std::filesystem::path& file, const ByteProgress& progress = {});

}  // namespace hub
