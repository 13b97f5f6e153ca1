// SPDX-License-Identifier: Apache-2.0
// The parts of a multipart/form-data body (RFC 7578), found where they lie: nothing is copied.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace http {

struct Part {
  std::string name;
  std::string filename;    // what the client calls it, a label and never a path; empty: not a file
  std::string media_type;  // as the client says; empty: not said
  uint64_t offset = 0;     // of the content, in the body
  uint64_t length = 0;
};

struct MultipartLimits {
  size_t parts = 32;
  size_t head_bytes = 4 << 10;  // of one part
};

// `content_type` is the request's field, which names the boundary. Throws Error(invalid) where it
// is not multipart/form-data, where the body is not well formed to its last byte, where a part has
// no name or an encoding of its own, and where a name or file name is not plain UTF-8 of at most
// 255 bytes.
std::vector<Part> read_multipart(std::string_view body,
                                 const std::string& content_type,
                                 const MultipartLimits& limits = {});

// The same for a body in a file, which is mapped and not read into memory. Nobody may shorten it
// meanwhile. Throws Error(not_found) without it.
std::vector<Part> read_multipart_file(const std::filesystem::path& body_file,
                                      const std::string& content_type,
                                      const MultipartLimits& limits = {});

}  // namespace http
