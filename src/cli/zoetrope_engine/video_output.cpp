// SPDX-License-Identifier: Apache-2.0
// C colours, F frames, H height, W width
#include "cli/zoetrope_engine/video_output.h"

#ifdef ZOETROPE_WITH_MEDIA
#include "base/bytes.h"
#include "media/write_image.h"
#include "media/write_video.h"
#endif

namespace cli {

torch::Tensor as_rgb(const torch::Tensor& frames_CFHW) {
  const auto scaled_CFHW = (frames_CFHW.to(torch::kFloat32).clamp(-1, 1) + 1) / 2 * 255;
  return scaled_CFHW.to(torch::kUInt8).permute({1, 2, 3, 0}).cpu().contiguous();
}

#ifdef ZOETROPE_WITH_MEDIA

struct VideoOutput::State {
  std::optional<media::VideoWriter> video;
  std::optional<media::ContactSheet> sheet;
  std::optional<base::FileWriter> sheet_file;
};

VideoOutput::VideoOutput(const VideoFiles& files) : state_(std::make_unique<State>()) {
  const media::Size size = {files.size.width, files.size.height};
  const media::Size render = {files.render.width, files.render.height};
  if (!files.video.empty()) {
    state_->video.emplace(files.video,
                          media::VideoFormat{.size = size,
                                             .source = render,
                                             .fps = files.fps,
                                             .metadata = {{"title", files.title},
                                                          {"comment", files.comment.dump()}}});
  }
  if (files.sheet.empty()) return;
  state_->sheet.emplace(files.frames, render, size);
  state_->sheet_file.emplace(files.sheet);
}

void VideoOutput::add(const torch::Tensor& frames_CFHW) {
  const auto rgb_FHWC = as_rgb(frames_CFHW);
  const auto bytes = static_cast<size_t>(rgb_FHWC[0].numel());
  for (int64_t i = 0; i < rgb_FHWC.size(0); ++i) {
    const media::Rgb frame(rgb_FHWC[i].data_ptr<uint8_t>(), bytes);
    if (state_->video) state_->video->add(frame);
    if (state_->sheet) state_->sheet->add(frame);
  }
}

void VideoOutput::finish() {
  if (state_->video) state_->video->finish();
  if (!state_->sheet) return;
  state_->sheet_file->write(media::png_of(state_->sheet->picture()));
  state_->sheet_file->finish();
}

void VideoOutput::commit() {
  if (state_->video) state_->video->commit();
  if (state_->sheet_file) state_->sheet_file->commit();
}

#else  // without FFmpeg no file is accepted, so there is nothing to write

struct VideoOutput::State {};
VideoOutput::VideoOutput(const VideoFiles&) {}
void VideoOutput::add(const torch::Tensor&) {}
void VideoOutput::finish() {}
void VideoOutput::commit() {}

#endif

VideoOutput::~VideoOutput() = default;

}  // namespace cli
