// SPDX-License-Identifier: Apache-2.0
// The files that are made of a video's frames: the video, its contact sheet, its first picture.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "media/picture.h"

namespace media {

struct VideoFiles {
  std::filesystem::path video, sheet, poster;  // empty: not wanted
  Size size;                                   // of the video and its poster
  Size source;                                 // of the frames handed in
  int frames = 0;
  int fps = 0;
  std::string title;
  std::string comment;  // how the video was made
};

// Files appear by commit(), complete, or none of them. Throws as VideoWriter.
class VideoOutput {
 public:
  explicit VideoOutput(const VideoFiles& files);
  VideoOutput(const VideoOutput&) = delete;
  VideoOutput& operator=(const VideoOutput&) = delete;
  ~VideoOutput();

  void add(Rgb frame);
  // Brings everything to the disk under temporary names; no frame may follow.
  void finish();
  // To be called after finish(): gives the files their names.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace media
