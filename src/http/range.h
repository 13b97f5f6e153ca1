// SPDX-License-Identifier: Apache-2.0
// Which part of a file a request asks for (RFC 9110 §13 and §14).
#pragma once

#include <cstdint>
#include <string>

#include "http/field.h"

namespace http {

struct FilePart {
  int status = 200;  // 200, 206, 304, 412 or 416; the last three without a body
  uint64_t offset = 0;
  uint64_t length = 0;
  std::string content_range;  // the field's value, for 206 and 416
};

// `etag` is strong and without quotes; empty: the file has none. Only one range is given at a time:
// a request for several, as one in another unit or one that is not well formed, gets the whole
// file.
FilePart select_part(const std::string& method,
                     const Fields& headers,
                     uint64_t file_bytes,
                     const std::string& etag);

}  // namespace http
