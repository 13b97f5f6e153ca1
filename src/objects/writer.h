// SPDX-License-Identifier: Apache-2.0
// A file on its way in: streamed to a temporary name, counted and digested as it comes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "crypto/digest.h"

namespace objects {

// What a file is known by, wherever it lies.
struct Content {
  uint64_t bytes = 0;
  std::string sha256;  // hex digits
};

// A complete file in Store::incoming(), to be published.
struct Received {
  std::filesystem::path file;
  Content content;
};

// Owned by one thread at a time. The file is removed with the writer unless it was published.
class Writer {
 public:
  // Throws Error(exhausted) where the disk is full, Error(internal) where it cannot be written.
  Writer(const std::filesystem::path& file, uint64_t max_bytes);
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer();

  // Throws Error(invalid) at the first byte beyond `max_bytes`, and as the constructor.
  void write(std::string_view bytes);

  // What was written; nothing may be written afterwards, and the writer outlives the publishing.
  Received finish();

 private:
  std::filesystem::path file_;
  uint64_t max_bytes_;
  // Open until the end: as long as it is, the kernel remembers a failed write for the next sync.
  int descriptor_;
  crypto::Sha256 digest_;
  Content content_;
};

}  // namespace objects
