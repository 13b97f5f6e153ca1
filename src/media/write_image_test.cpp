// SPDX-License-Identifier: Apache-2.0
#include "media/write_image.h"

#include <array>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/error.h"
#include "media/ffmpeg.h"

namespace {

namespace fs = std::filesystem;
using media::Picture;
using media::Size;

Picture plain(Size size, uint8_t red, uint8_t green, uint8_t blue) {
  Picture picture{size, {}};
  for (int i = 0; i < size.width * size.height; ++i) {
    picture.rgb.insert(picture.rgb.end(), {red, green, blue});
  }
  return picture;
}

// The pixels of a PNG file.
Picture read_png(const fs::path& path) {
  const auto bytes = base::read_file(path, 10 << 20);
  const auto* codec = avcodec_find_decoder(AV_CODEC_ID_PNG);
  const media::CodecPointer decoder(avcodec_alloc_context3(codec));
  media::checked(avcodec_open2(decoder.get(), codec, nullptr), path, "decode");
  const media::PacketPointer packet(av_packet_alloc());
  av_new_packet(packet.get(), static_cast<int>(bytes.size()));
  std::copy(bytes.begin(), bytes.end(), packet->data);
  avcodec_send_packet(decoder.get(), packet.get());
  const media::FramePointer frame(av_frame_alloc());
  media::checked(avcodec_receive_frame(decoder.get(), frame.get()), path, "decode");
  EXPECT_EQ(frame->format, AV_PIX_FMT_RGB24);
  Picture picture{{frame->width, frame->height}, {}};
  for (int y = 0; y < frame->height; ++y) {
    const auto* row = frame->data[0] + static_cast<ptrdiff_t>(y) * frame->linesize[0];
    picture.rgb.insert(picture.rgb.end(), row, row + size_t{3} * frame->width);
  }
  return picture;
}

TEST(WriteImage, KeepsEveryPixel) {
  Picture picture{{33, 7}, {}};
  for (int i = 0; i < 33 * 7 * 3; ++i) picture.rgb.push_back(static_cast<uint8_t>(i * 37));
  const auto path = fs::temp_directory_path() / "zoetrope_write_image.png";
  media::write_image(path, picture);
  const auto read = read_png(path);
  EXPECT_EQ(read.size, picture.size);
  EXPECT_EQ(read.rgb, picture.rgb);
}

TEST(WriteImage, RefusesAFolderThatIsNotThere) {
  EXPECT_THROW(media::write_image("/nowhere/x.png", plain({2, 2}, 0, 0, 0)), base::Error);
}

TEST(Resample, KeepsAPlainColourAndChangesTheSize) {
  const auto larger = media::resample(plain({112, 64}, 220, 30, 35).rgb, {112, 64}, {832, 480});
  EXPECT_EQ(larger.size, (Size{832, 480}));
  EXPECT_EQ(larger.rgb, plain({832, 480}, 220, 30, 35).rgb);
}

// The red of the pixel at the left top of a place.
int red_at(const Picture& sheet, int left, int top) {
  return sheet.rgb[3 * (static_cast<size_t>(top) * sheet.size.width + left)];
}

TEST(ContactSheet, ShowsTwelveFramesFromTheFirstToTheLast) {
  const Size size = {16, 8};
  media::ContactSheet sheet(81, size, size);
  for (int i = 0; i < 81; ++i) sheet.add(plain(size, static_cast<uint8_t>(i), 0, 0).rgb);
  const auto picture = sheet.picture();
  EXPECT_EQ(picture.size, (Size{4 * 16 + 3 * 4, 3 * 8 + 2 * 4}));
  constexpr std::array<int, 12> kFrames = {0, 7, 15, 22, 29, 36, 44, 51, 58, 65, 73, 80};
  for (int place = 0; place < 12; ++place) {
    EXPECT_EQ(red_at(picture, place % 4 * 20, place / 4 * 12), kFrames[place]) << place;
  }
  EXPECT_EQ(red_at(picture, 17, 0), 255) << "the gap is white";
}

TEST(ContactSheet, ShowsAllOfAShortVideoAndScalesWideOnes) {
  media::ContactSheet sheet(1, {112, 64}, {832, 480});
  sheet.add(plain({112, 64}, 1, 2, 3).rgb);
  EXPECT_EQ(sheet.picture().size, (Size{416, 240}));
  EXPECT_EQ(red_at(sheet.picture(), 415, 239), 1);
}

}  // namespace
