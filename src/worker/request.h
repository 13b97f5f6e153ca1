// SPDX-License-Identifier: Apache-2.0
// What a task asks for, out of its JSON.
#pragma once

#include "base/json.h"
#include "pipelines/text_to_video_job.h"

namespace worker {

// Reads prompt, negative_prompt, width, height, seconds, steps, guidance, flow_shift, seed and the
// three lists of LoRAs; other members are not the worker's. Throws Error(invalid) that names every
// member that is missing, of the wrong type or out of range, and every list that is not empty.
pipelines::TextToVideoOptions read_text_to_video(const base::Json& request);

}  // namespace worker
