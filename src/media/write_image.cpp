// SPDX-License-Identifier: Apache-2.0
#include "media/write_image.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "media/ffmpeg.h"

namespace media {
namespace {

constexpr int kMostPlaces = 12;
constexpr int kColumns = 4;
constexpr int kGap = 4;
constexpr int kWidestCell = 416;  // four of them fit a laptop's screen

FramePointer as_frame(const Picture& picture) {
  auto frame = make_frame(AV_PIX_FMT_RGB24, picture.size.width, picture.size.height);
  const size_t row = size_t{3} * picture.size.width;
  for (int y = 0; y < picture.size.height; ++y) {
    std::memcpy(frame->data[0] + static_cast<ptrdiff_t>(y) * frame->linesize[0],
                picture.rgb.data() + y * row,
                row);
  }
  return frame;
}

// Cells keep the video's shape and are no wider than kWidestCell.
Size cell_size(Size shown) {
  if (shown.width <= kWidestCell) return shown;
  return {kWidestCell, std::max(1, shown.height * kWidestCell / shown.width)};
}

}  // namespace

std::string png_of(const Picture& picture) {
  const std::filesystem::path name = "PNG";  // in messages
  check_holds(picture.rgb, picture.size);
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
  if (codec == nullptr) {
    throw base::Error(base::Fault::internal, "this FFmpeg has no PNG encoder");
  }
  const auto encoder = checked_pointer(CodecPointer(avcodec_alloc_context3(codec)), name);
  encoder->width = picture.size.width;
  encoder->height = picture.size.height;
  encoder->pix_fmt = AV_PIX_FMT_RGB24;
  encoder->time_base = {1, 1};
  checked(avcodec_open2(encoder.get(), codec, nullptr), name, "open the encoder");
  const auto frame = as_frame(picture);
  const auto packet = checked_pointer(PacketPointer(av_packet_alloc()), name);
  checked(avcodec_send_frame(encoder.get(), frame.get()), name, "encode");
  checked(avcodec_send_frame(encoder.get(), nullptr), name, "encode");
  checked(avcodec_receive_packet(encoder.get(), packet.get()), name, "encode");
  return {reinterpret_cast<const char*>(packet->data), static_cast<size_t>(packet->size)};
}

void write_image(const std::filesystem::path& file, const Picture& picture) {
  base::write_file(file, png_of(picture));
}

ContactSheet::ContactSheet(int frames, Size source, Size shown)
    : frames_(frames),
      places_(std::clamp(frames, 1, kMostPlaces)),
      columns_(std::min(places_, kColumns)),
      source_(source),
      cell_(cell_size(shown)) {
  const int rows = (places_ + columns_ - 1) / columns_;
  sheet_.size = {columns_ * cell_.width + (columns_ - 1) * kGap,
                 rows * cell_.height + (rows - 1) * kGap};
  sheet_.rgb.assign(size_t{3} * sheet_.size.width * sheet_.size.height, 255);
}

// Place p shows frame round(p * (frames - 1) / (places - 1)): the first and the last are there.
bool ContactSheet::is_shown(int frame) const {
  const int steps = std::max(1, places_ - 1);
  return pasted_ < places_ && frame == (pasted_ * (frames_ - 1) + steps / 2) / steps;
}

void ContactSheet::add(Rgb frame) {
  if (is_shown(added_++)) paste(resample(frame, source_, cell_), pasted_++);
}

void ContactSheet::paste(const Picture& cell, int place) {
  const int left = place % columns_ * (cell_.width + kGap);
  const int top = place / columns_ * (cell_.height + kGap);
  const size_t row = size_t{3} * cell_.width;
  for (int y = 0; y < cell_.height; ++y) {
    const size_t to = (static_cast<size_t>(top + y) * sheet_.size.width + left) * 3;
    std::memcpy(sheet_.rgb.data() + to, cell.rgb.data() + y * row, row);
  }
}

Picture ContactSheet::picture() const {
  return sheet_;
}

}  // namespace media
