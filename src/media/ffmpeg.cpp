// SPDX-License-Identifier: Apache-2.0
#include "media/ffmpeg.h"

#include <array>

#include "base/error.h"
#include "base/text.h"

namespace media {
namespace {

base::Fault fault_of(int code) {
  switch (AVUNERROR(code)) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
      return base::Fault::exhausted;
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EACCES:
    case EROFS:
    case EPERM:
      return base::Fault::invalid;
    default:
      return base::Fault::internal;
  }
}

}  // namespace

int checked(int code, const std::filesystem::path& file, std::string_view doing) {
  if (code >= 0) return code;
  std::array<char, AV_ERROR_MAX_STRING_SIZE> reason{};
  av_strerror(code, reason.data(), reason.size());
  throw base::Error(fault_of(code),
                    base::text(file.string(), ": cannot ", doing, ": ", reason.data()));
}

FramePointer make_frame(AVPixelFormat format, int width, int height) {
  auto frame = checked_pointer(FramePointer(av_frame_alloc()), "picture");
  frame->format = format;
  frame->width = width;
  frame->height = height;
  checked(av_frame_get_buffer(frame.get(), 0), "picture", "allocate");
  return frame;
}

}  // namespace media
