// SPDX-License-Identifier: Apache-2.0
// Frames of a pipeline to the files that were asked for.
#pragma once

#include <memory>
#include <string>

#include <torch/types.h>

#include "base/json.h"
#include "specs/specs.h"

namespace cli {

struct VideoFiles {
  std::string video, sheet;  // empty: not wanted
  specs::Size size;          // of the video
  specs::Size render;        // of the frames handed in
  int frames = 0;
  int fps = 0;
  std::string title;
  base::Json comment;  // how the video was made
};

// Files appear by commit(), complete, or none of them. Throws as media::VideoWriter.
class VideoOutput {
 public:
  explicit VideoOutput(const VideoFiles& files);
  VideoOutput(const VideoOutput&) = delete;
  VideoOutput& operator=(const VideoOutput&) = delete;
  ~VideoOutput();

  // Frames [3,F,H,W] in [-1,1], any device.
  void add(const torch::Tensor& frames_CFHW);
  // Brings everything to the disk under temporary names; no frame may follow.
  void finish();
  // To be called after finish(): gives the files their names.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Frames as rows of red, green, blue bytes [F,H,W,3]: (x + 1) / 2 * 255, truncated, as the official
// code saves them.
torch::Tensor as_rgb(const torch::Tensor& frames_CFHW);

}  // namespace cli
