// SPDX-License-Identifier: Apache-2.0
// Frames to an MP4 that plays in browsers and in QuickTime: H.264 High, 4:2:0, BT.709, the index
// before the pictures.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "media/picture.h"

namespace media {

struct VideoFormat {
  Size size;         // of the file; both even
  Size source = {};  // of the frames handed in; {0, 0}: as the file. Resampled when it differs.
  int fps = 0;
  std::map<std::string, std::string> metadata = {};  // "title", "comment"
};

// Frames go in one by one; memory does not grow with their number. The file is written under a
// temporary name and appears under its own by commit(), complete; without commit() nothing stays.
// Throws Error(exhausted) when the disk is full, Error(invalid) when the file cannot be written.
class VideoWriter {
 public:
  VideoWriter(const std::filesystem::path& file, const VideoFormat& format);
  VideoWriter(const VideoWriter&) = delete;
  VideoWriter& operator=(const VideoWriter&) = delete;
  ~VideoWriter();

  void add(Rgb frame);
  // Brings everything to the disk, after which only the name is missing: whoever writes several
  // files finishes all of them before the first commit(). No frame may be added afterwards.
  void finish();
  // Finishes, if that was not done, and renames.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace media
