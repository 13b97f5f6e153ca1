// SPDX-License-Identifier: Apache-2.0
// The work of `zoetrope generate`, once everything is settled.
#pragma once

#include "cli/progress_display.h"
#include "cli/zoetrope_engine/generate_options.h"

namespace cli {

// Writes the files that were asked for; they appear complete or not at all. Throws base::Cancelled
// when interrupted.
void make_video(const GenerateOptions& options,
                const pipelines::TextToVideoJob& job,
                ProgressDisplay& display);

}  // namespace cli
