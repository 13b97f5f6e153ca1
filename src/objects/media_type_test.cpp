// SPDX-License-Identifier: Apache-2.0
#include "objects/media_type.h"

#include <string>

#include <gtest/gtest.h>

namespace {

using namespace std::string_literals;
using objects::media_type_of;

TEST(MediaType, IsToldByTheFirstBytes) {
  const std::pair<std::string, const char*> heads[] = {
      {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"s, "image/png"},
      {"\xff\xd8\xff\xe0\0\x10JFIF"s, "image/jpeg"},
      {"GIF89a"s, "image/gif"},
      {"RIFF\x24\0\0\0WEBPVP8 "s, "image/webp"},
      {"RIFF\x24\0\0\0WAVEfmt "s, "audio/wav"},
      {"RIFF\x24\0\0\0AVI LIST"s, "video/x-msvideo"},
      {"\0\0\0\x20"s + "ftypisom", "video/mp4"},
      {"\0\0\0\x20"s + "ftypmp42", "video/mp4"},
      {"\0\0\0\x20"s + "ftypM4A ", "audio/mp4"},
      {"\0\0\0\x14"s + "ftypqt  ", "video/quicktime"},
      {"\0\0\0\x1c"s + "ftypavif", "image/avif"},
      {"\0\0\0\x18"s + "ftypheic", "image/heic"},
      {"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm"s, "video/webm"},
      {"\x1a\x45\xdf\xa3\xa3\x42\x82\x88matroska"s, "video/x-matroska"},
      {"OggS\0\x02"s + std::string(22, '\0') + "\x01vorbis", "audio/ogg"},
      {"OggS\0\x02"s + std::string(22, '\0') + "\x80theora", "video/ogg"},
      {"fLaC\0\0\0\x22"s, "audio/flac"},
      {"ID3\x04\0"s, "audio/mpeg"},
      {"\xff\xfb\x90\x64"s, "audio/mpeg"},
      {"\xff\xf1\x50\x80"s, "audio/aac"},
      {"PK\x03\x04\x14\0"s, "application/zip"},
      {"PK\x05\x06"s + std::string(18, '\0'), "application/zip"},
      {"\x40\x01\0\0\0\0\0\0{\"a\":{"s, "application/vnd.safetensors"}};
  for (const auto& [head, type] : heads) {
    EXPECT_EQ(media_type_of(head), type);
    EXPECT_FALSE(objects::extension_of(type).empty()) << type;
  }
}

TEST(MediaType, OfAllElseIsBytes) {
  for (const auto& head : {""s,
                           "\x89"s,
                           "<html><script>"s,
                           "#EXTM3U\n"s,
                           "\xff"s,
                           "\xff\xfe"s + "a\0b\0"s,
                           "\0\0\0\x20"s,
                           "RIFF\x24\0\0\0XXXX"s,
                           "\xff\0\0\0\0\0\0\xff{\""s}) {
    EXPECT_EQ(media_type_of(head), "application/octet-stream") << head;
  }
  EXPECT_EQ(objects::extension_of("application/octet-stream"), "");
}

TEST(MediaType, IsOfAKind) {
  EXPECT_EQ(objects::kind_of("image/png"), "image");
  EXPECT_EQ(objects::kind_of("video/mp4"), "video");
  EXPECT_EQ(objects::kind_of("audio/wav"), "audio");
  EXPECT_EQ(objects::kind_of("application/zip"), "file");
}

}  // namespace
