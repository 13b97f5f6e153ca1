// SPDX-License-Identifier: Apache-2.0
// SHA-256, alone and keyed, Git's names for contents, and comparing secrets.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace crypto {

// Hex digits, as everywhere in this project where a digest is a text.
std::string sha256_hex(std::string_view bytes);
std::string hmac_sha256_hex(std::string_view key, std::string_view message);

// The name that Git gives to a file of this content: a SHA-1, which proves nothing against malice.
std::string git_blob_id(std::string_view content);

// The digest of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();

  void add(std::string_view bytes);
  // Hex digits; nothing may be added afterwards.
  std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Takes the same time wherever the texts differ; lengths are no secret.
bool equal_secrets(std::string_view a, std::string_view b);

}  // namespace crypto
