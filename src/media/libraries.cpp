// SPDX-License-Identifier: Apache-2.0
#include "media/libraries.h"

#include "base/text.h"
#include "media/ffmpeg.h"

namespace media {
namespace {

std::string version_text(unsigned version) {
  return base::text(
      AV_VERSION_MAJOR(version), '.', AV_VERSION_MINOR(version), '.', AV_VERSION_MICRO(version));
}

}  // namespace

Libraries libraries() {
  return {version_text(avformat_version()),
          version_text(avcodec_version()),
          avcodec_find_encoder_by_name("libx264") != nullptr};
}

}  // namespace media
