// SPDX-License-Identifier: Apache-2.0
// What `zoetrope generate` is asked for: the options as typed, and the job that they make.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"
#include "pipelines/text_to_video_job.h"

namespace cli {

// What comes with the program and is taken where no model is named.
inline constexpr std::string_view kDemoModel = "wan2.2-t2v-tiny";

struct GenerateOptions {
  std::string prompt;
  std::string output;
  std::vector<std::string> model;  // names, files and folders that are one model; none: kDemoModel
  std::optional<std::string> negative_prompt;
  std::optional<std::string> size;
  std::optional<double> seconds;
  std::optional<int64_t> frames;
  std::optional<int64_t> steps;
  std::optional<std::string> guidance;
  std::optional<double> shift;
  std::string solver = "unipc";
  int64_t seed = -1;
  std::vector<std::string> lora, lora_high, lora_low;  // FILE or FILE:SCALE
  std::optional<std::string> noise_device;
  std::string device = "auto";
  std::string dtype = "bf16";
  std::string sheet;
  std::string latents;
  bool json = false;
  bool dry_run = false;
};

extern const Form<GenerateOptions> kGenerateForm;

// Opens the model and settles every value. Throws Error(invalid) with all complaints, those already
// there included.
pipelines::TextToVideoJob settle(const GenerateOptions& options, Complaints& complaints);

}  // namespace cli
