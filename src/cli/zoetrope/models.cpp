// SPDX-License-Identifier: Apache-2.0
// zoetrope models: what is installed and where, and what could be.
#include <algorithm>
#include <iostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/zoetrope/commands.h"
#include "weights/installed.h"

namespace cli {
namespace {

using base::Json;
using base::text;
using weights::InstalledModel;

struct Request {
  bool json = false;
};

constexpr Option<Request> kOptions[] = {
    {"--json", "", &Request::json, "One JSON object."},
};
constexpr Form<Request> kForm = {
    "zoetrope models",
    "Lists the models on this machine and those that could be.",
    kOptions,
    "Models are folders below $ZOETROPE_MODELS, or else ~/.local/share/zoetrope/models, in the\n"
    "official, the diffusers or the ComfyUI layout."};

// The official repositories on Hugging Face.
struct Repository {
  std::string_view model;
  std::string_view name;
};
constexpr Repository kRepositories[] = {
    {"wan2.1-t2v-1.3b", "Wan-AI/Wan2.1-T2V-1.3B"},
    {"wan2.1-t2v-14b", "Wan-AI/Wan2.1-T2V-14B"},
    {"wan2.2-t2v-a14b", "Wan-AI/Wan2.2-T2V-A14B"},
    {"wan2.2-ti2v-5b", "Wan-AI/Wan2.2-TI2V-5B"},
};

std::vector<std::string> spec_names(const InstalledModel& model) {
  std::vector<std::string> names;
  for (const auto* spec : model.specs) names.emplace_back(spec->name);
  return names;
}

Json as_json(const InstalledModel& model) {
  Json json = {{"name", model.name},
               {"path", model.path.string()},
               {"layout", weights::name_of(model.layout)},
               {"models", spec_names(model)},
               {"parts", model.parts},
               {"bytes", model.bytes}};
  if (!model.problem.empty()) json["problem"] = model.problem;
  return json;
}

bool is_installed(const Repository& repository, const std::vector<InstalledModel>& installed) {
  return std::ranges::any_of(installed, [&](const InstalledModel& model) {
    return std::ranges::count(spec_names(model), repository.model) > 0;
  });
}

void print_plain(const InstalledModel& model) {
  std::cout << "  " << model.name << '\n';
  if (!model.problem.empty()) {
    std::cout << "      cannot be opened: " << model.problem << '\n';
    return;
  }
  const auto names = spec_names(model);
  std::cout << "      "
            << (names.empty() ? "of dimensions that this program does not know by name"
                              : base::join(names, " or "))
            << ", " << base::human_bytes(model.bytes) << ", " << weights::name_of(model.layout)
            << " layout: " << base::join(model.parts, ", ") << "\n      " << model.path.string()
            << '\n';
}

void print_plain(const weights::ModelFolders& folders,
                 const std::vector<InstalledModel>& installed) {
  std::cout << (installed.empty() ? "no model is installed\n" : "installed:\n");
  for (const auto& model : installed) print_plain(model);
  bool is_first = true;
  for (const auto& repository : kRepositories) {
    if (is_installed(repository, installed)) continue;
    if (is_first) {
      std::cout << "\nnot installed (put the folder of the repository, of its -Diffusers twin, or"
                   " ComfyUI files, below\n"
                << folders.own.string() << "):\n";
    }
    is_first = false;
    std::cout << text("  ",
                      repository.model,
                      std::string(18 - repository.model.size(), ' '),
                      "https://huggingface.co/",
                      repository.name,
                      "\n");
  }
}

}  // namespace

int models(Arguments arguments) {
  const auto request = read_options(kForm, arguments);
  if (!request) return kDone;
  const auto folders = weights::model_folders();
  const auto installed = weights::installed_models(folders);
  if (!request->json) {
    print_plain(folders, installed);
    return kDone;
  }
  Json json = {{"folders", {folders.own.string(), folders.demo.string()}},
               {"installed", Json::array()},
               {"not_installed", Json::array()}};
  for (const auto& model : installed) json["installed"].push_back(as_json(model));
  for (const auto& repository : kRepositories) {
    if (is_installed(repository, installed)) continue;
    json["not_installed"].push_back({{"model", repository.model}, {"repository", repository.name}});
  }
  std::cout << json.dump(2) << '\n';
  return kDone;
}

}  // namespace cli
