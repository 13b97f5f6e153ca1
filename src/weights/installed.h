// SPDX-License-Identifier: Apache-2.0
// The models on this machine, and how one is found by its name.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "weights/checkpoint.h"

namespace weights {

// Where models are looked for: $ZOETROPE_MODELS, or else zoetrope/models in the user's data folder
// ($XDG_DATA_HOME or ~/.local/share), and the demo models that come with this program. Folders that
// do not exist are in the list too: they tell where models belong.
struct ModelFolders {
  std::filesystem::path own;
  std::filesystem::path demo;
};
ModelFolders model_folders();

// Where LoRAs are that have a name: $ZOETROPE_LORAS, or else zoetrope/loras in the user's data
// folder. One that `zoetrope pull` brings is a folder with lora.safetensors, or with
// high_noise.safetensors and low_noise.safetensors.
std::filesystem::path adapter_folder();

// A folder directly below one of the model folders that holds weights.
struct InstalledModel {
  std::string name;  // of the folder
  std::filesystem::path path;
  Layout layout = Layout::official;
  std::vector<const specs::ModelSpec*> specs;  // those that it can be run as
  std::vector<std::string> parts;              // "dit", "text_encoder", …
  uint64_t bytes = 0;
  std::string problem;  // why it makes no video: what is damaged or missing; empty when it does
};

// The command that fetches the weights of a model to where it is found by its name; empty where it
// has no repository.
std::string fetch_command(const specs::ModelSpec& model);

// Those directly below one folder, in order of name; none where it is no folder. Hidden folders are
// none: in such a one `zoetrope pull` gathers what is not whole yet.
std::vector<InstalledModel> models_in(const std::filesystem::path& folder);

// Those of both model folders, own before demo.
std::vector<InstalledModel> installed_models(const ModelFolders& folders = model_folders());

// The file or folder that `name` means: a path that exists, else the installed model whose folder
// has this name, else the only whole one of this specification. Throws Error(not_found) that lists
// what there is and says how a model of this name can be had, Error(invalid) that names the
// candidates when there are several.
std::filesystem::path find_installed(std::string_view name,
                                     const ModelFolders& folders = model_folders());

}  // namespace weights
