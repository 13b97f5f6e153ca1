// SPDX-License-Identifier: Apache-2.0
#include "objects/label.h"

#include "base/json.h"
#include "objects/test_folder.h"

namespace {

using namespace std::string_literals;
using objects::check_path_part;
using objects::label;

TEST(Label, KeepsANameAsItIs) {
  EXPECT_EQ(label("a red ball (2).png"), "a red ball (2).png");
  EXPECT_EQ(label("中国 – Überraschung 🎬.mp4"), "中国 – Überraschung 🎬.mp4");
}

TEST(Label, DropsFolders) {
  EXPECT_EQ(label("../../etc/passwd"), "passwd");
  EXPECT_EQ(label("C:\\Users\\x\\cat.png"), "cat.png");
}

TEST(Label, CallsWhatIsNoNameAFile) {
  for (const auto* name : {"", ".", "..", "/", "../..", "...", " ", "\xff\xfe", "\x01\x02"}) {
    EXPECT_EQ(label(name), "file") << name;
  }
}

TEST(Label, DropsControlsAndMarksOfDirection) {
  EXPECT_EQ(label("a\0b.png"s), "ab.png");
  EXPECT_EQ(label("a\r\nSet-Cookie: x"), "aSet-Cookie: x");
  EXPECT_EQ(label("photo\u202egpj.exe"), "photogpj.exe");
  EXPECT_EQ(label("a\u2028b\u0085c\x7f"), "abc");
}

TEST(Label, DropsBytesThatAreNoUtf8) {
  // A lone continuation, an overlong '/', a surrogate, a character that ends early, one too large.
  for (const auto* bytes : {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xe4\xb8", "\xf4\x90\x80\x80"}) {
    EXPECT_EQ(label("a"s + bytes + "b"), "ab");
    EXPECT_EQ(label("a"s + bytes), "a");
  }
}

// nlohmann refuses to write what is no UTF-8.
TEST(Label, OfAnyBytesIsValidText) {
  for (int high = 0; high < 256; ++high) {
    for (int low = 0; low < 256; ++low) {
      const std::string bytes = {'\xe2', static_cast<char>(high), static_cast<char>(low), 'x'};
      EXPECT_NO_THROW(base::Json(label(bytes)).dump());
    }
  }
}

TEST(Label, IsCutBetweenCharacters) {
  EXPECT_EQ(label(std::string(300, 'a')), std::string(255, 'a'));
  EXPECT_EQ(label(std::string(254, 'a') + "é"), std::string(254, 'a'));
  EXPECT_EQ(label(std::string(253, 'a') + "éb"), std::string(253, 'a') + "é");
}

TEST(PathPart, IsAllowedWhereItIsHarmless) {
  for (const auto* name : {"video.mp4", "poster.png", "0b9f", "a", "high_noise-lora.safetensors"}) {
    EXPECT_NO_THROW(check_path_part(name, "file name"));
  }
  EXPECT_NO_THROW(check_path_part(std::string(64, 'a'), "file name"));
}

TEST(PathPart, IsRefusedWhereItCouldLeaveItsFolder) {
  for (const auto& name : {""s,
                           "."s,
                           ".."s,
                           "../a"s,
                           "a/b"s,
                           "/a"s,
                           ".hidden"s,
                           "-rf"s,
                           "a\0b"s,
                           "é"s,
                           "a b"s,
                           "a\\b"s,
                           "a%2fb"s,
                           "a\n"s,
                           std::string(65, 'a'),
                           std::string(300, 'a')}) {
    const auto error = objects::error_of([&] { check_path_part(name, "file name"); });
    EXPECT_EQ(error.fault(), base::Fault::invalid) << name;
    EXPECT_TRUE(std::string(error.what()).starts_with("file name: \"")) << error.what();
  }
}

}  // namespace
