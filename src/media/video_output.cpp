// SPDX-License-Identifier: Apache-2.0
#include "media/video_output.h"

#include <optional>
#include <utility>

#include "base/bytes.h"
#include "media/write_image.h"
#include "media/write_video.h"

namespace media {
namespace {

// A picture that is known before the video ends, and its file.
void write(base::FileWriter& file, const Picture& picture) {
  file.write(png_of(picture));
  file.finish();
}

}  // namespace

struct VideoOutput::State {
  VideoFiles files;
  std::optional<VideoWriter> video;
  std::optional<ContactSheet> sheet;
  std::optional<base::FileWriter> sheet_file, poster_file;
  bool has_poster = false;
};

VideoOutput::VideoOutput(const VideoFiles& files) : state_(std::make_unique<State>()) {
  state_->files = files;
  if (!files.video.empty()) {
    state_->video.emplace(
        files.video,
        VideoFormat{.size = files.size,
                    .source = files.source,
                    .fps = files.fps,
                    .metadata = {{"title", files.title}, {"comment", files.comment}}});
  }
  if (!files.sheet.empty()) {
    state_->sheet.emplace(files.frames, files.source, files.size);
    state_->sheet_file.emplace(files.sheet);
  }
  if (!files.poster.empty()) state_->poster_file.emplace(files.poster);
}

VideoOutput::~VideoOutput() = default;

void VideoOutput::add(Rgb frame) {
  if (state_->video) state_->video->add(frame);
  if (state_->sheet) state_->sheet->add(frame);
  if (!state_->poster_file || std::exchange(state_->has_poster, true)) return;
  write(*state_->poster_file, resample(frame, state_->files.source, state_->files.size));
}

void VideoOutput::finish() {
  if (state_->video) state_->video->finish();
  if (state_->sheet) write(*state_->sheet_file, state_->sheet->picture());
}

void VideoOutput::commit() {
  if (state_->video) state_->video->commit();
  if (state_->sheet_file) state_->sheet_file->commit();
  if (state_->poster_file) state_->poster_file->commit();
}

}  // namespace media
