// SPDX-License-Identifier: Apache-2.0
// Links that are their own permission: whoever has one may read that file, or put that upload,
// until it expires.
//
//   /files/out/3f…/1/video.mp4?expires=1770000000&key=5f1c09ab&disposition=inline&signature=…
//
// The signature is HMAC-SHA256 over method|path|everything in the query before it, so that no byte
// of the link can be changed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace objects {

// Whether a browser shows the file or saves it.
enum class Disposition { shown, saved };

// What may be put under a link, once it is known how large it is.
struct UploadTicket {
  uint64_t bytes = 0;
  std::string content_type;  // as the sender states it
  std::string name;          // as the sender calls it; a label
};

struct SigningKey {
  std::string id, secret;
};

// Holds the keys as they were when it was made; safe to use from several threads.
class Signer {
 public:
  // Reads the keys, or makes the file (0600) with a first one. Throws Error(invalid) where the file
  // is not one of keys or others may read it.
  Signer(const std::filesystem::path& key_file, base::Clock clock);

  // The path with its query. Throws Error(internal) where the path has other characters than
  // letters, digits and "/._-": it would not come back as it was signed.
  std::string sign_get(std::string_view path,
                       std::chrono::seconds lifetime,
                       Disposition disposition) const;
  std::string sign_put(std::string_view path,
                       std::chrono::seconds lifetime,
                       const UploadTicket& ticket) const;

  // What the link allows. `path` and `query` are the two sides of the '?' in the request's target,
  // as they came. Throws Error(unauthorized) that says why not: unsigned, changed, expired, or
  // signed with a key that is no longer valid.
  Disposition verify_get(std::string_view path, std::string_view query) const;
  UploadTicket verify_put(std::string_view path, std::string_view query) const;

 private:
  using Parameters = std::vector<std::pair<std::string, std::string>>;

  std::string sign(std::string_view method,
                   std::string_view path,
                   std::chrono::seconds lifetime,
                   const Parameters& parameters) const;
  Parameters verify(std::string_view method, std::string_view path, std::string_view query) const;

  std::vector<SigningKey> keys_;  // the first one signs, all are valid
  base::Clock clock_;
};

// Puts a new key before the one that signs now, which stays valid, and drops older ones: links out
// there go on working until the next rotation. Signers made afterwards use it.
void rotate_keys(const std::filesystem::path& key_file);

}  // namespace objects
