// SPDX-License-Identifier: Apache-2.0
#include "pipelines/open_model.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "pipelines/load_part.h"
#include "text/clean.h"

namespace pipelines {
namespace {

using base::text;

[[noreturn]] void refuse(const std::string& why) {
  throw base::Error(base::Fault::invalid, why);
}

void check_is_whole(const weights::Checkpoint& checkpoint, const std::string& origin) {
  const auto missing = weights::missing_parts(checkpoint);
  if (missing.empty()) return;
  refuse(text(origin,
              ": has not ",
              base::join(missing, ", "),
              "; name the files or folders that hold the rest as well"));
}

// Among the models that it can be run as, the folder's name decides where they differ in nothing
// else.
const specs::ModelSpec* choose(const weights::Checkpoint& checkpoint, const std::string& name) {
  const auto rows = weights::runnable_models(checkpoint);
  const auto named = std::ranges::find(rows, std::string_view(name), &specs::ModelSpec::name);
  if (named != rows.end()) return *named;
  return rows.empty() ? nullptr : rows.front();
}

template <typename Part>
models::Weights weights_of(const Part& part, models::Placement placement) {
  return {part.tensors, part.origin, placement};
}

}  // namespace

std::shared_ptr<const OpenedModel> open_model(
    std::span<const std::filesystem::path> files_and_folders) {
  std::vector<std::string> names;
  for (const auto& path : files_and_folders) names.push_back(path.string());
  const auto origin = base::join(names, ", ");
  auto checkpoint = weights::open_checkpoint(files_and_folders);
  check_is_whole(checkpoint, origin);
  const auto* row = choose(checkpoint, files_and_folders.front().filename().string());
  if (row == nullptr) {
    const auto& dit = checkpoint.dit->spec;
    refuse(text(origin,
                ": no known text-to-video model has a network of width ",
                dit.dim,
                " with ",
                dit.num_layers,
                " layers and ",
                dit.in_dim,
                " input channels",
                checkpoint.dit_low ? ", twice" : ""));
  }
  auto spec = *row;
  spec.boundary = checkpoint.boundary.value_or(spec.boundary);
  return std::make_shared<const OpenedModel>(OpenedModel{spec, std::move(checkpoint)});
}

std::shared_ptr<const OpenedModel> open_model(const std::filesystem::path& file_or_folder) {
  return open_model(std::span(&file_or_folder, 1));
}

std::vector<int64_t> token_ids(const text::Tokenizer& tokenizer,
                               std::string_view prompt,
                               const specs::ModelSpec& spec) {
  return tokenizer.encode(text::clean(prompt), static_cast<size_t>(spec.dit.text_len));
}

TextToVideoParts parts_of(const std::shared_ptr<const OpenedModel>& model,
                          models::Placement placement,
                          const Progress& progress,
                          const Adapters& adapters) {
  const auto& checkpoint = model->checkpoint;
  // Each keeps the model, and with it what it refers to.
  const auto network = [=](const weights::DitPart& part, const lora::AdapterSet& set) {
    return [=, &part, keep = model] {
      auto weights = weights_of(part, placement);
      weights.merge(set);
      return load_part<models::Dit>(part.spec, weights, progress);
    };
  };
  TextToVideoParts parts{
      .umt5 =
          [=] {
            const auto& part = *model->checkpoint.text_encoder;
            return load_part<models::Umt5>(part.spec, weights_of(part, placement), progress);
          },
      .high_noise = network(*checkpoint.dit, adapters.high_noise),
      .low_noise = {},
      .vae =
          [=] {
            const auto& part = *model->checkpoint.vae;
            return load_part<models::Vae>(
                part.spec, weights_of(part, placement), progress, models::VaeUse::decode);
          },
  };
  if (checkpoint.dit_low) parts.low_noise = network(*checkpoint.dit_low, adapters.low_noise);
  return parts;
}

}  // namespace pipelines
