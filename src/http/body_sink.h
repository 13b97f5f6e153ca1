// SPDX-License-Identifier: Apache-2.0
// Where the body of a request goes while it comes in: into memory or into a file.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "crypto/digest.h"
#include "http/message.h"

namespace http {

// Fills the request's body, or its body_file, body_bytes and body_sha256. The file is new, readable
// by this user only, and named "upload-….partial": whoever keeps it renames it.
class BodySink {
 public:
  // Throws Error(internal) where the file cannot be made.
  BodySink(const Reception& reception, Request& request);
  BodySink(const BodySink&) = delete;
  BodySink& operator=(const BodySink&) = delete;
  ~BodySink();

  // Throws Error(exhausted) where the disk is full.
  void add(std::string_view piece);
  void finish();

 private:
  Request& request_;
  int file_ = -1;  // no file: memory
  crypto::Sha256 digest_;
};

// What the body of one request takes of the memory for all, until destruction.
class MemoryShare {
 public:
  explicit MemoryShare(std::atomic<uint64_t>& all) : all_(all) {}
  MemoryShare(const MemoryShare&) = delete;
  MemoryShare& operator=(const MemoryShare&) = delete;
  ~MemoryShare() { all_ -= mine_; }

  // False where all together are more than `most` now, unless this body is a small one: those who
  // send large ones slowly shall not keep out those who do not.
  bool take(uint64_t bytes, uint64_t most) {
    mine_ += bytes;
    return (all_ += bytes) <= most || mine_ <= kSmall;
  }

 private:
  static constexpr uint64_t kSmall = 16 << 10;
  std::atomic<uint64_t>& all_;
  uint64_t mine_ = 0;
};

}  // namespace http
