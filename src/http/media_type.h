// SPDX-License-Identifier: Apache-2.0
// Media types by file name.
#pragma once

#include <string>
#include <string_view>

namespace http {

// "a.mp4" -> "video/mp4"; "application/octet-stream" for what is not known. Text is UTF-8 and says
// so.
std::string media_type_of(std::string_view filename);

}  // namespace http
