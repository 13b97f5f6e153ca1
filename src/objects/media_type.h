// SPDX-License-Identifier: Apache-2.0
// What a file is by its first bytes. Nothing is decoded: fixed bytes are compared at fixed places.
#pragma once

#include <string_view>

namespace objects {

// "image/png", "video/mp4", "application/zip" …; "application/octet-stream" for all else. 64 bytes
// suffice, fewer may.
std::string_view media_type_of(std::string_view head);

// "image", "video", "audio", or "file" for all else.
std::string_view kind_of(std::string_view media_type);

// ".png", ".mp4" …; empty for what media_type_of() does not know.
std::string_view extension_of(std::string_view media_type);

}  // namespace objects
