// SPDX-License-Identifier: Apache-2.0
#include "http/media_type.h"

#include <algorithm>
#include <array>

#include "http/field.h"

namespace http {
namespace {

struct Row {
  std::string_view extension;
  std::string_view media_type;
};
constexpr std::array<Row, 20> kTypes = {{
    {"mp4", "video/mp4"},
    {"webm", "video/webm"},
    {"mov", "video/quicktime"},
    {"mkv", "video/x-matroska"},
    {"png", "image/png"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"webp", "image/webp"},
    {"gif", "image/gif"},
    {"svg", "image/svg+xml"},
    {"wav", "audio/wav"},
    {"mp3", "audio/mpeg"},
    {"flac", "audio/flac"},
    {"ogg", "audio/ogg"},
    {"zip", "application/zip"},
    {"json", "application/json"},
    {"html", "text/html; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"js", "text/javascript; charset=utf-8"},
    {"txt", "text/plain; charset=utf-8"},
}};

}  // namespace

std::string media_type_of(std::string_view filename) {
  const auto dot = filename.rfind('.');
  const auto extension =
      dot == std::string_view::npos ? std::string() : lower_case(filename.substr(dot + 1));
  const auto row = std::ranges::find(kTypes, extension, &Row::extension);
  return row == kTypes.end() ? "application/octet-stream" : std::string(row->media_type);
}

}  // namespace http
