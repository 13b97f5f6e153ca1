// SPDX-License-Identifier: Apache-2.0
// From a folder on disk to the parts of a pipeline.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "models/weights.h"
#include "pipelines/adapters.h"
#include "pipelines/text_to_video.h"
#include "specs/specs.h"
#include "text/tokenizer.h"
#include "weights/checkpoint.h"

namespace pipelines {

// A checkpoint with everything that text to video needs. Weights are mapped, not read.
struct OpenedModel {
  specs::ModelSpec spec;  // the boundary is the checkpoint's own where it states one
  weights::Checkpoint checkpoint;
};

// The model that the files and folders are together. Throws Error(invalid) that names them and
// every part that is missing, or says which dimensions no known model has.
std::shared_ptr<const OpenedModel> open_model(
    std::span<const std::filesystem::path> files_and_folders);
std::shared_ptr<const OpenedModel> open_model(const std::filesystem::path& file_or_folder);

// Token ids of a prompt as the official code makes them: cleaned, the end token behind them.
std::vector<int64_t> token_ids(const text::Tokenizer& tokenizer,
                               std::string_view prompt,
                               const specs::ModelSpec& spec);

// Loaders of the parts, the networks with these adapters in them; they keep the model's files
// mapped and tell `progress` how far each is.
TextToVideoParts parts_of(const std::shared_ptr<const OpenedModel>& model,
                          models::Placement placement,
                          const Progress& progress = {},
                          const Adapters& adapters = {});

}  // namespace pipelines
