// SPDX-License-Identifier: Apache-2.0
// Which media libraries this program was linked with.
#pragma once

#include <string>

namespace media {

struct Libraries {
  std::string avformat, avcodec;  // versions, "59.27.100"
  bool can_write_h264 = false;    // through libx264
};

Libraries libraries();

}  // namespace media
