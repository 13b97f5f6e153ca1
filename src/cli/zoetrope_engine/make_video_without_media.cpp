// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "cli/zoetrope_engine/make_video.h"

namespace cli {

// settle() accepts no file then.
void make_video(const GenerateOptions&, const pipelines::TextToVideoJob&, ProgressDisplay&) {
  throw base::Error(base::Fault::internal, "this program was built without FFmpeg");
}

}  // namespace cli
