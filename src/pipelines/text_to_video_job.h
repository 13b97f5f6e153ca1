// SPDX-License-Identifier: Apache-2.0
// From what somebody asks for, in words and seconds, to what a model is to compute: the way of
// `zoetrope generate` and of the worker.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/types.h>

#include "base/json.h"
#include "models/weights.h"
#include "pipelines/memory_plan.h"
#include "pipelines/open_model.h"
#include "pipelines/text_to_video.h"

namespace pipelines {

// What is asked for; what is absent is as the model is meant to be run.
struct TextToVideoOptions {
  std::string prompt;
  std::optional<std::string> negative_prompt;  // absent: the official one
  std::optional<specs::Size> size;
  std::optional<double> seconds;  // comes out as the nearest number of frames that the model makes
  std::optional<int64_t> frames;  // instead of seconds
  std::optional<int64_t> steps;
  std::optional<double> guidance_high, guidance_low;
  std::optional<double> shift;
  Solver solver = Solver::unipc;
  int64_t seed = -1;  // -1 draws one
  AdapterFiles adapters;
};

// Everything settled: the model, what it shall do, and where.
struct TextToVideoJob {
  std::shared_ptr<const OpenedModel> model;
  std::string prompt, negative_prompt;
  AdapterFiles adapter_files;
  Adapters adapters;
  TextToVideoRequest request;
  specs::Size render;  // the size that is computed
  models::Placement placement;

  const specs::ModelSpec& spec() const { return model->spec; }
  MemoryRequest memory() const;
  // How the video is made: in the plan of `zoetrope generate`, and in the metadata of the file.
  base::Json recipe() const;
};

// What is wrong is added to `complaints`, one sentence each that begins with the field's name as it
// is in TextToVideoRequest, or with "model"; the job is then of no use. Noise is drawn on the
// device.
TextToVideoJob settle(std::shared_ptr<const OpenedModel> model,
                      const TextToVideoOptions& options,
                      models::Placement placement,
                      std::vector<std::string>& complaints);

// What is wrong with the prompts whatever the model; settle() complains of it too.
std::vector<std::string> prompt_complaints(const TextToVideoOptions& options);

}  // namespace pipelines
