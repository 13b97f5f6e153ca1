// SPDX-License-Identifier: Apache-2.0
#include "objects/media_type.h"

#include <algorithm>
#include <cstdint>

namespace objects {
namespace {

using std::string_view_literals::operator""sv;

// Bytes that stand at a place of every file of the type.
struct Mark {
  std::string_view media_type;
  size_t at;
  std::string_view bytes;
  std::string_view also = {};  // eight bytes after `at`, as in RIFF and ISO files
};

// In order: a special case stands before the general one. Sources: RFC 2083 (PNG), ITU-T T.81
// (JPEG), GIF89a, RFC 9649 (WebP), ISO/IEC 14496-12 (ftyp), RFC 8794 (EBML), RFC 3533 (Ogg),
// RFC 9639 (FLAC), ID3v2.4, APPNOTE.TXT (ZIP).
constexpr Mark kMarks[] = {
    {"image/png", 0, "\x89PNG\r\n\x1a\n"sv},
    {"image/jpeg", 0, "\xff\xd8\xff"sv},
    {"image/gif", 0, "GIF8"sv},
    {"image/webp", 0, "RIFF"sv, "WEBP"sv},
    {"audio/wav", 0, "RIFF"sv, "WAVE"sv},
    {"video/x-msvideo", 0, "RIFF"sv, "AVI "sv},
    {"image/avif", 4, "ftypavif"sv},
    {"image/heic", 4, "ftyphei"sv},
    {"image/heic", 4, "ftypmif1"sv},
    {"audio/mp4", 4, "ftypM4A"sv},
    {"video/quicktime", 4, "ftypqt  "sv},
    {"video/mp4", 4, "ftyp"sv},
    {"image/bmp", 0, "BM"sv},
    {"image/tiff", 0, "II*\0"sv},
    {"image/tiff", 0, "MM\0*"sv},
    {"audio/flac", 0, "fLaC"sv},
    {"audio/mpeg", 0, "ID3"sv},
    {"application/zip", 0, "PK\x03\x04"sv},
    {"application/zip", 0, "PK\x05\x06"sv},
};

struct Ending {
  std::string_view media_type, extension;
};

constexpr Ending kEndings[] = {
    {"image/png", ".png"},       {"image/jpeg", ".jpg"},
    {"image/gif", ".gif"},       {"image/webp", ".webp"},
    {"image/avif", ".avif"},     {"image/heic", ".heic"},
    {"image/bmp", ".bmp"},       {"image/tiff", ".tiff"},
    {"video/mp4", ".mp4"},       {"video/quicktime", ".mov"},
    {"video/webm", ".webm"},     {"video/x-matroska", ".mkv"},
    {"video/x-msvideo", ".avi"}, {"audio/wav", ".wav"},
    {"audio/mp4", ".m4a"},       {"audio/flac", ".flac"},
    {"audio/mpeg", ".mp3"},      {"audio/aac", ".aac"},
    {"audio/ogg", ".ogg"},       {"video/ogg", ".ogv"},
    {"application/zip", ".zip"}, {"application/vnd.safetensors", ".safetensors"},
};

bool stands_at(std::string_view head, size_t at, std::string_view bytes) {
  return head.size() >= at + bytes.size() && head.substr(at, bytes.size()) == bytes;
}

bool bears(std::string_view head, const Mark& mark) {
  return stands_at(head, mark.at, mark.bytes) &&
         (mark.also.empty() || stands_at(head, mark.at + 8, mark.also));
}

// The document type is the first bytes' only text that tells WebM from Matroska.
std::string_view matroska(std::string_view head) {
  return head.substr(0, 64).find("webm") != std::string_view::npos ? "video/webm"
                                                                   : "video/x-matroska";
}

// The first packet names its codec.
std::string_view ogg(std::string_view head) {
  return head.substr(0, 64).find("\x80theora") != std::string_view::npos ? "video/ogg"
                                                                         : "audio/ogg";
}

// Eleven bits of synchronisation, then a version and a layer: 0 is ADTS, 1 and 2 are layers III and
// II. Layer I, which nobody uses, would be every text that begins with the byte order mark FF FE.
std::string_view mpeg_audio(std::string_view head) {
  if (head.size() < 3 || head[0] != '\xff' || (head[1] & 0xe0) != 0xe0) return {};
  const int version = (head[1] >> 3) & 3;
  const int layer = (head[1] >> 1) & 3;
  if (layer == 0 && version >= 2) return "audio/aac";
  return (layer == 1 || layer == 2) && version != 1 ? "audio/mpeg" : "";
}

// Eight bytes hold the length of the JSON text that follows them. Longer headers than 100 MB are
// refused by the format's own library.
bool is_safetensors(std::string_view head) {
  constexpr uint64_t kMaxHeader = 100'000'000;
  if (head.size() < 10 || head[8] != '{') return false;
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(head[i]);
  return length >= 2 && length <= kMaxHeader;
}

}  // namespace

std::string_view media_type_of(std::string_view head) {
  for (const auto& mark : kMarks) {
    if (bears(head, mark)) return mark.media_type;
  }
  if (head.starts_with("\x1a\x45\xdf\xa3")) return matroska(head);
  if (head.starts_with("OggS")) return ogg(head);
  if (is_safetensors(head)) return "application/vnd.safetensors";
  const auto audio = mpeg_audio(head);
  return audio.empty() ? "application/octet-stream" : audio;
}

std::string_view kind_of(std::string_view media_type) {
  for (const auto kind : {"image"sv, "video"sv, "audio"sv}) {
    if (media_type.starts_with(kind)) return kind;
  }
  return "file";
}

std::string_view extension_of(std::string_view media_type) {
  const auto* found = std::ranges::find(kEndings, media_type, &Ending::media_type);
  return found == std::end(kEndings) ? std::string_view() : found->extension;
}

}  // namespace objects
