// SPDX-License-Identifier: Apache-2.0
// Where the body of a request goes while it comes in: into memory or into a file.
#pragma once

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

}  // namespace http
