// SPDX-License-Identifier: Apache-2.0
// Pictures to PNG files, and the contact sheet of a video.
#pragma once

#include <filesystem>
#include <string>

#include "media/picture.h"

namespace media {

// The bytes of a PNG.
std::string png_of(const Picture& picture);

// Writes a PNG; the file appears complete or not at all. Throws Error(exhausted) when the disk is
// full, Error(invalid) when it cannot be written.
void write_image(const std::filesystem::path& file, const Picture& picture);

// Frames spread evenly over a video, side by side in reading order.
class ContactSheet {
 public:
  // `frames` of size `source` will be handed to add(); the video is shown at size `shown`.
  ContactSheet(int frames, Size source, Size shown);

  void add(Rgb frame);

  // The sheet of what was added so far; places without a frame stay white.
  Picture picture() const;

 private:
  bool is_shown(int frame) const;
  void paste(const Picture& cell, int place);

  int frames_;
  int places_;
  int columns_;
  Size source_;
  Size cell_;
  Picture sheet_;
  int added_ = 0;
  int pasted_ = 0;
};

}  // namespace media
