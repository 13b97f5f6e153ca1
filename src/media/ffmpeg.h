// SPDX-License-Identifier: Apache-2.0
// FFmpeg's objects with owners, and its return codes as errors. Included by this room's sources
// only.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

namespace media {

// FFmpeg frees most things through a pointer to the pointer.
template <auto kFree>
struct FreeThrough {
  template <typename Object>
  void operator()(Object* object) const {
    kFree(&object);
  }
};

template <auto kFree>
struct Free {
  template <typename Object>
  void operator()(Object* object) const {
    kFree(object);
  }
};

using FramePointer = std::unique_ptr<AVFrame, FreeThrough<av_frame_free>>;
using PacketPointer = std::unique_ptr<AVPacket, FreeThrough<av_packet_free>>;
using CodecPointer = std::unique_ptr<AVCodecContext, FreeThrough<avcodec_free_context>>;
using MuxerPointer = std::unique_ptr<AVFormatContext, Free<avformat_free_context>>;
using DemuxerPointer = std::unique_ptr<AVFormatContext, FreeThrough<avformat_close_input>>;
using ScalerPointer = std::unique_ptr<SwsContext, Free<sws_freeContext>>;

// Passes `code` on when it is no error. Otherwise throws Error "<file>: cannot <doing>: <reason>":
// exhausted when the disk is full or memory is short, invalid when the file cannot be written, else
// internal.
int checked(int code, const std::filesystem::path& file, std::string_view doing);

// The pointer, or Error(exhausted) when it is null: FFmpeg's allocations fail that way.
template <typename Pointer>
Pointer checked_pointer(Pointer pointer, const std::filesystem::path& file) {
  if (!pointer) checked(AVERROR(ENOMEM), file, "allocate");
  return pointer;
}

// A frame with room for its pixels.
FramePointer make_frame(AVPixelFormat format, int width, int height);

}  // namespace media
