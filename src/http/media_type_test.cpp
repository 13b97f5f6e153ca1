// SPDX-License-Identifier: Apache-2.0
#include "http/media_type.h"

#include <gtest/gtest.h>

namespace {

TEST(MediaType, IsKnownByTheNamesEnd) {
  EXPECT_EQ(http::media_type_of("a.b/video.MP4"), "video/mp4");
  EXPECT_EQ(http::media_type_of("index.html"), "text/html; charset=utf-8");
  for (const auto* name : {"a", "a.", "mp4", "a.exe", ""}) {
    EXPECT_EQ(http::media_type_of(name), "application/octet-stream") << name;
  }
}

}  // namespace
