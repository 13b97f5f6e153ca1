// SPDX-License-Identifier: Apache-2.0
#include "media/picture.h"

#include "base/error.h"
#include "base/text.h"
#include "media/ffmpeg.h"

namespace media {

Picture resample(Rgb rgb, Size from, Size to) {
  check_holds(rgb, from);
  const ScalerPointer scaler(sws_getContext(from.width,
                                            from.height,
                                            AV_PIX_FMT_RGB24,
                                            to.width,
                                            to.height,
                                            AV_PIX_FMT_RGB24,
                                            SWS_LANCZOS | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT,
                                            nullptr,
                                            nullptr,
                                            nullptr));
  if (!scaler) {
    throw base::Error(base::Fault::internal,
                      base::text("cannot resample to ", to.width, "x", to.height));
  }
  // The scaler writes whole vectors, so its rows need padding that a Picture has not.
  const auto frame = make_frame(AV_PIX_FMT_RGB24, to.width, to.height);
  const uint8_t* const source[] = {rgb.data()};
  const int source_stride[] = {from.width * 3};
  sws_scale(scaler.get(), source, source_stride, 0, from.height, frame->data, frame->linesize);

  const size_t row = size_t{3} * to.width;
  Picture picture{to, {}};
  picture.rgb.reserve(row * to.height);
  for (int y = 0; y < to.height; ++y) {
    const auto* pixels = frame->data[0] + static_cast<ptrdiff_t>(y) * frame->linesize[0];
    picture.rgb.insert(picture.rgb.end(), pixels, pixels + row);
  }
  return picture;
}

void check_holds(Rgb rgb, Size size) {
  const auto wanted = size_t{3} * size.width * size.height;
  if (size.width <= 0 || size.height <= 0 || rgb.size() != wanted) {
    throw base::Error(
        base::Fault::internal,
        base::text("a picture of ", size.width, "x", size.height, " in ", rgb.size(), " bytes"));
  }
}

}  // namespace media
