// SPDX-License-Identifier: Apache-2.0
// What a request for a video means to us, whichever wire it came over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "specs/specs.h"

namespace catalog {

struct Lora {
  std::string path;  // a URL, a repository on Hugging Face, or whatever else hub/ can find
  double scale = 1;

  bool operator==(const Lora&) const = default;
};

struct GenerateRequest {
  std::string prompt;
  std::string negative_prompt;  // empty: the model's own, as in the official code
  specs::Size size;             // of the video that is delivered
  int seconds = 5;
  int64_t seed = -1;  // -1: random

  // Absent: what suits the weights, which are others in fast mode.
  std::optional<int> steps;
  std::optional<double> guidance;
  std::optional<double> flow_shift;

  std::vector<Lora> loras;  // for every network of the model
  std::vector<Lora> high_noise_loras;
  std::vector<Lora> low_noise_loras;

  bool fast_mode = false;  // in few steps: what an -ultra-fast endpoint stands for
  bool prompt_expansion = false;
  bool safety_checker = true;

  // How the result shall be delivered.
  bool sync_mode = false;
  bool base64_output = false;
  std::string webhook_url;    // empty: nobody is told
  bool webhook_test = false;  // tell at once that the task ended so, and do no work
  std::string webhook_test_status = "TASK_STATUS_SUCCEED";

  bool operator==(const GenerateRequest&) const = default;
};

// The request as it is stored and handed to a worker: one flat object, absent members left out.
base::Json to_json(const GenerateRequest& request);

// The reverse. A member that is missing has its default, so that a stored request outlives an
// update; prompt, width and height must be there. Throws Error(invalid) that names every member
// that is unknown or of the wrong type or range.
GenerateRequest from_json(const base::Json& json);

}  // namespace catalog
