// SPDX-License-Identifier: Apache-2.0
// What a task asks for, out of its JSON.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "pipelines/text_to_video_job.h"

namespace worker {

struct AskedAdapter {
  std::string path;  // as the caller wrote it
  double scale = 1;
};

struct AskedAdapters {
  std::vector<AskedAdapter> all, high_noise, low_noise;
};

// The options are complete but for the files of the adapters, which have to be fetched first.
struct AskedVideo {
  pipelines::TextToVideoOptions options;
  AskedAdapters adapters;
};

// Reads prompt, negative_prompt, width, height, seconds, steps, guidance, flow_shift, seed and the
// three lists of LoRAs; other members are not the worker's. Throws Error(invalid) that names every
// member that is missing, of the wrong type or out of range.
AskedVideo read_text_to_video(const base::Json& request);

}  // namespace worker
