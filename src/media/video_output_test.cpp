// SPDX-License-Identifier: Apache-2.0
#include "media/video_output.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "media/write_image.h"

namespace {

namespace fs = std::filesystem;
using media::Picture;
using media::Size;

constexpr Size kSource = {32, 16}, kShown = {64, 32};
constexpr int kFrames = 3;

struct Writing {
  fs::path folder;

  Writing() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder = fs::temp_directory_path() / (std::string("zoetrope_output_") + test->name());
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  ~Writing() { fs::remove_all(folder); }

  media::VideoFiles files() const {
    return {.video = folder / "video.mp4",
            .sheet = folder / "sheet.png",
            .poster = folder / "poster.png",
            .size = kShown,
            .source = kSource,
            .frames = kFrames,
            .fps = 16};
  }
  int count() const { return static_cast<int>(std::distance(fs::directory_iterator(folder), {})); }
  std::string content(const char* name) const { return base::read_file(folder / name, 1 << 20); }
};

// Frame i is grey, the lighter the later.
std::vector<uint8_t> frame(int i) {
  return std::vector<uint8_t>(size_t{3} * kSource.width * kSource.height,
                              static_cast<uint8_t>(40 * i));
}

TEST(VideoOutput, AppearsWithAllItsFilesAtOnce) {
  Writing one;
  media::VideoOutput output(one.files());
  for (int i = 0; i < kFrames; ++i) output.add(frame(i));
  output.finish();
  for (const auto& file : fs::directory_iterator(one.folder)) {
    EXPECT_EQ(file.path().extension(), ".partial");
  }
  output.commit();
  EXPECT_EQ(one.count(), 3);
  EXPECT_EQ(one.content("video.mp4").substr(4, 4), "ftyp");
}

TEST(VideoOutput, HasTheFirstFrameAsItsPosterInTheSizeOfTheVideo) {
  Writing one;
  media::VideoOutput output(one.files());
  for (int i = 0; i < kFrames; ++i) output.add(frame(i));
  output.finish();
  output.commit();
  EXPECT_EQ(one.content("poster.png"), media::png_of(media::resample(frame(0), kSource, kShown)));
}

TEST(VideoOutput, HasNoFileThatWasNotAskedFor) {
  Writing one;
  auto files = one.files();
  files.sheet = files.poster = "";
  media::VideoOutput output(files);
  for (int i = 0; i < kFrames; ++i) output.add(frame(i));
  output.finish();
  output.commit();
  EXPECT_EQ(one.count(), 1);
}

TEST(VideoOutput, LeavesNothingWithoutCommit) {
  Writing one;
  {
    media::VideoOutput output(one.files());
    output.add(frame(0));
  }
  EXPECT_EQ(one.count(), 0);
}

}  // namespace
