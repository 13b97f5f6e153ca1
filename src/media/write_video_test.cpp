// SPDX-License-Identifier: Apache-2.0
#include "media/write_video.h"

#include <array>
#include <cmath>
#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "base/error.h"
#include "media/ffmpeg.h"

namespace {

namespace fs = std::filesystem;
using media::Picture;
using media::Size;

fs::path fresh_folder() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  auto folder = fs::temp_directory_path() / (std::string("zoetrope_media_") + test->name());
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

Picture plain(Size size, std::array<uint8_t, 3> colour) {
  Picture picture{size, {}};
  for (int i = 0; i < size.width * size.height; ++i) {
    picture.rgb.insert(picture.rgb.end(), colour.begin(), colour.end());
  }
  return picture;
}

// A red square on navy, `left` pixels from the left edge.
Picture square(Size size, int left) {
  auto picture = plain(size, {20, 28, 90});
  for (int y = size.height / 4; y < size.height / 2; ++y) {
    for (int x = left; x < left + size.width / 4; ++x) {
      auto* pixel = picture.rgb.data() + 3 * (static_cast<size_t>(y) * size.width + x);
      pixel[0] = 220, pixel[1] = 30, pixel[2] = 35;
    }
  }
  return picture;
}

// What libavformat and libavcodec make of a file.
struct Clip {
  media::DemuxerPointer file;
  media::CodecPointer decoder;
  std::vector<Picture> frames;

  const AVStream& stream() const { return *file->streams[0]; }
  std::string metadata(const char* key) const {
    const auto* entry = av_dict_get(file->metadata, key, nullptr, 0);
    return entry == nullptr ? "" : entry->value;
  }
};

// Full-range RGB of a decoded picture, by the colours that the picture says it has.
Picture to_rgb(const AVFrame& frame) {
  const media::ScalerPointer scaler(sws_getContext(frame.width,
                                                   frame.height,
                                                   static_cast<AVPixelFormat>(frame.format),
                                                   frame.width,
                                                   frame.height,
                                                   AV_PIX_FMT_RGB24,
                                                   SWS_BICUBIC | SWS_ACCURATE_RND,
                                                   nullptr,
                                                   nullptr,
                                                   nullptr));
  const int* coefficients = sws_getCoefficients(frame.colorspace);
  sws_setColorspaceDetails(scaler.get(),
                           coefficients,
                           frame.color_range == AVCOL_RANGE_JPEG ? 1 : 0,
                           coefficients,
                           1,
                           0,
                           1 << 16,
                           1 << 16);
  const auto rgb = media::make_frame(AV_PIX_FMT_RGB24, frame.width, frame.height);
  sws_scale(scaler.get(), frame.data, frame.linesize, 0, frame.height, rgb->data, rgb->linesize);
  Picture picture{{frame.width, frame.height}, {}};
  for (int y = 0; y < frame.height; ++y) {
    const auto* row = rgb->data[0] + static_cast<ptrdiff_t>(y) * rgb->linesize[0];
    picture.rgb.insert(picture.rgb.end(), row, row + size_t{3} * frame.width);
  }
  return picture;
}

void receive(Clip& clip) {
  const media::FramePointer frame(av_frame_alloc());
  while (avcodec_receive_frame(clip.decoder.get(), frame.get()) == 0) {
    clip.frames.push_back(to_rgb(*frame));
  }
}

Clip read_clip(const fs::path& path) {
  Clip clip;
  AVFormatContext* opened = nullptr;
  media::checked(avformat_open_input(&opened, path.c_str(), nullptr, nullptr), path, "open");
  clip.file.reset(opened);
  media::checked(avformat_find_stream_info(opened, nullptr), path, "read");
  const auto* codec = avcodec_find_decoder(clip.stream().codecpar->codec_id);
  clip.decoder.reset(avcodec_alloc_context3(codec));
  avcodec_parameters_to_context(clip.decoder.get(), clip.stream().codecpar);
  media::checked(avcodec_open2(clip.decoder.get(), codec, nullptr), path, "decode");
  const media::PacketPointer packet(av_packet_alloc());
  while (av_read_frame(opened, packet.get()) == 0) {
    avcodec_send_packet(clip.decoder.get(), packet.get());
    av_packet_unref(packet.get());
    receive(clip);
  }
  avcodec_send_packet(clip.decoder.get(), nullptr);
  receive(clip);
  return clip;
}

double mean_error(const Picture& a, const Picture& b) {
  double sum = 0;
  for (size_t i = 0; i < a.rgb.size(); ++i) sum += std::abs(a.rgb[i] - b.rgb[i]);
  return sum / static_cast<double>(a.rgb.size());
}

// The top-level boxes of an MP4, in order.
std::vector<std::string> boxes(const fs::path& path) {
  const auto bytes = base::read_file(path, 100 << 20);
  std::vector<std::string> names;
  for (size_t at = 0; at + 8 <= bytes.size();) {
    uint32_t size = 0;
    for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<uint8_t>(bytes[at + i]);
    names.push_back(bytes.substr(at + 4, 4));
    if (size < 8) break;
    at += size;
  }
  return names;
}

constexpr Size kSmall = {96, 64};

TEST(VideoWriter, WritesWhatBrowsersAndQuickTimePlay) {
  const auto path = fresh_folder() / "clip.mp4";
  media::VideoWriter writer(
      path,
      {.size = kSmall,
       .fps = 16,
       .metadata = {{"title", "a red square"}, {"comment", R"({"seed":7})"}}});
  for (int i = 0; i < 17; ++i) writer.add(square(kSmall, 2 * i).rgb);
  writer.commit();

  const auto clip = read_clip(path);
  const auto& parameters = *clip.stream().codecpar;
  EXPECT_EQ(parameters.codec_id, AV_CODEC_ID_H264);
  EXPECT_EQ(parameters.profile, FF_PROFILE_H264_HIGH);
  EXPECT_EQ(parameters.codec_tag, MKTAG('a', 'v', 'c', '1'));
  EXPECT_EQ(parameters.format, AV_PIX_FMT_YUV420P);
  EXPECT_EQ(parameters.width, 96);
  EXPECT_EQ(parameters.height, 64);
  EXPECT_EQ(parameters.color_space, AVCOL_SPC_BT709);
  EXPECT_EQ(parameters.color_primaries, AVCOL_PRI_BT709);
  EXPECT_EQ(parameters.color_trc, AVCOL_TRC_BT709);
  EXPECT_EQ(parameters.color_range, AVCOL_RANGE_MPEG);
  EXPECT_EQ(av_cmp_q(clip.stream().avg_frame_rate, {16, 1}), 0);
  EXPECT_EQ(clip.stream().nb_frames, 17);
  EXPECT_NEAR(static_cast<double>(clip.file->duration) / AV_TIME_BASE, 17.0 / 16, 1e-3);
  EXPECT_EQ(clip.metadata("title"), "a red square");
  EXPECT_EQ(clip.metadata("comment"), R"({"seed":7})");
  EXPECT_EQ(boxes(path), (std::vector<std::string>{"ftyp", "moov", "free", "mdat"}));
}

TEST(VideoWriter, KeepsTheFramesAndTheirOrder) {
  const auto path = fresh_folder() / "clip.mp4";
  media::VideoWriter writer(path, {.size = kSmall, .fps = 16});
  for (int i = 0; i < 9; ++i) writer.add(square(kSmall, 8 * i).rgb);
  writer.commit();

  const auto clip = read_clip(path);
  ASSERT_EQ(clip.frames.size(), 9u);
  for (int i = 0; i < 9; ++i) {
    // Limited range and halved chroma alone cost 3 of 255 here; the next frame is 6 away.
    for (int other = 0; other < 9; ++other) {
      const auto error = mean_error(clip.frames[i], square(kSmall, 8 * other));
      EXPECT_TRUE(other == i ? error < 4 : error > 4) << i << ' ' << other << ' ' << error;
    }
  }
}

TEST(VideoWriter, KeepsColoursWithinThreeStepsOf255) {
  const auto path = fresh_folder() / "clip.mp4";
  constexpr std::array<std::array<uint8_t, 3>, 6> kColours = {
      {{220, 30, 35}, {40, 185, 60}, {40, 85, 235}, {255, 255, 255}, {0, 0, 0}, {16, 16, 16}}};
  media::VideoWriter writer(path, {.size = kSmall, .fps = 16});
  for (const auto& colour : kColours) writer.add(plain(kSmall, colour).rgb);
  writer.commit();

  const auto clip = read_clip(path);
  ASSERT_EQ(clip.frames.size(), kColours.size());
  for (size_t i = 0; i < kColours.size(); ++i) {
    const auto* middle = clip.frames[i].rgb.data() + 3 * (32 * 96 + 48);
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(middle[c], kColours[i][c], 3) << i << ' ' << c;
  }
}

TEST(VideoWriter, ResamplesToTheSizeOfTheFile) {
  const auto path = fresh_folder() / "clip.mp4";
  const Size large = {416, 240};
  media::VideoWriter writer(path, {.size = large, .source = kSmall, .fps = 24});
  writer.add(square(kSmall, 20).rgb);
  writer.commit();

  const auto clip = read_clip(path);
  ASSERT_EQ(clip.frames.size(), 1u);
  EXPECT_EQ(clip.frames[0].size, large);
  EXPECT_LT(mean_error(clip.frames[0], media::resample(square(kSmall, 20).rgb, kSmall, large)), 3);
}

TEST(VideoWriter, GivesTheSameBytesForTheSameFrames) {
  const auto folder = fresh_folder();
  for (const auto* name : {"a.mp4", "b.mp4"}) {
    media::VideoWriter writer(folder / name, {.size = kSmall, .fps = 16});
    for (int i = 0; i < 5; ++i) writer.add(square(kSmall, 3 * i).rgb);
    writer.commit();
  }
  EXPECT_EQ(base::read_file(folder / "a.mp4", 1 << 20), base::read_file(folder / "b.mp4", 1 << 20));
}

TEST(VideoWriter, LeavesNothingWithoutCommit) {
  const auto folder = fresh_folder();
  {
    media::VideoWriter writer(folder / "clip.mp4", {.size = kSmall, .fps = 16});
    writer.add(square(kSmall, 0).rgb);
    EXPECT_FALSE(fs::is_empty(folder));
  }
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(VideoWriter, KeepsTheOldFileUntilCommit) {
  const auto path = fresh_folder() / "clip.mp4";
  base::write_file(path, "old");
  { media::VideoWriter writer(path, {.size = kSmall, .fps = 16}); }
  EXPECT_EQ(base::read_file(path, 100), "old");
}

TEST(VideoWriter, RefusesAFolderThatIsNotThereByName) {
  const auto path = fresh_folder() / "nowhere" / "clip.mp4";
  try {
    media::VideoWriter writer(path, {.size = kSmall, .fps = 16});
    FAIL() << "accepted";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::invalid);
    EXPECT_EQ(error.what(), path.string() + ": cannot write: No such file or directory");
  }
}

// Files of this process can grow to `bytes` and no further, as on a disk that runs full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_;
};

TEST(VideoWriter, SaysWhichFileFoundNoRoomAndLeavesNothing) {
  const auto folder = fresh_folder();
  const auto path = folder / "clip.mp4";
  try {
    const FileSizeLimit limit(1000);
    media::VideoWriter writer(path, {.size = kSmall, .fps = 16});
    for (int i = 0; i < 9; ++i) writer.add(square(kSmall, 8 * i).rgb);
    writer.commit();
    FAIL() << "wrote " << fs::file_size(path) << " bytes";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::exhausted);
    EXPECT_EQ(error.what(), path.string() + ": cannot write: File too large");
  }
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(VideoWriter, RefusesOddSizes) {
  const auto folder = fresh_folder();
  EXPECT_THROW(media::VideoWriter(folder / "x.mp4", {.size = {97, 64}, .fps = 16}), base::Error);
  EXPECT_TRUE(fs::is_empty(folder));
}

TEST(VideoWriter, RefusesAFrameOfAnotherSize) {
  media::VideoWriter writer(fresh_folder() / "x.mp4", {.size = kSmall, .fps = 16});
  EXPECT_THROW(writer.add(plain({96, 63}, {0, 0, 0}).rgb), base::Error);
}

}  // namespace
