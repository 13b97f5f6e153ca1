// SPDX-License-Identifier: Apache-2.0
// zoetrope models: what is installed and where, and what could be and how it is fetched.
#include <algorithm>
#include <iostream>

#include "base/json.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/zoetrope/commands.h"
#include "weights/installed.h"
#include "weights/inventory.h"

namespace cli {
namespace {

using base::Json;
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
    "official, the diffusers or the ComfyUI layout. zoetrope pull fetches them."};

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

// The models that can be had and of which none is here and whole.
std::vector<const specs::ModelSpec*> absent_models(const std::vector<InstalledModel>& installed) {
  std::vector<const specs::ModelSpec*> absent;
  for (const auto& spec : specs::models()) {
    const bool is_installed = std::ranges::any_of(installed, [&](const InstalledModel& model) {
      return model.problem.empty() && std::ranges::count(model.specs, &spec) > 0;
    });
    if (!spec.repository.empty() && !is_installed) absent.push_back(&spec);
  }
  return absent;
}

Json as_json(const specs::ModelSpec& absent) {
  return {{"model", absent.name},
          {"repository", absent.repository},
          {"bytes", weights::published_bytes(absent)},
          {"fetch", weights::fetch_command(absent)}};
}

void print_plain(const InstalledModel& model) {
  std::cout << "  " << model.name << '\n';
  if (!model.problem.empty()) std::cout << "      cannot be used: " << model.problem << '\n';
  if (model.parts.empty()) return;
  const auto names = spec_names(model);
  std::cout << "      "
            << (names.empty() ? "of dimensions that this program does not know by name"
                              : base::join(names, " or "))
            << ", " << base::human_bytes(model.bytes) << ", " << weights::name_of(model.layout)
            << " layout: " << base::join(model.parts, ", ") << "\n      " << model.path.string()
            << '\n';
}

void print_plain(const std::vector<InstalledModel>& installed) {
  std::cout << (installed.empty() ? "no model is installed\n" : "installed:\n");
  for (const auto& model : installed) print_plain(model);
  const auto absent = absent_models(installed);
  if (!absent.empty()) {
    std::cout << "\nnot installed (a -Diffusers twin or ComfyUI files will do as well):\n";
  }
  for (const auto* model : absent) {
    std::cout << "  " << model->name << ", " << base::human_bytes(weights::published_bytes(*model))
              << "\n      " << weights::fetch_command(*model) << '\n';
  }
}

}  // namespace

int models(Arguments arguments) {
  const auto request = read_options(kForm, arguments);
  if (!request) return kDone;
  const auto folders = weights::model_folders();
  const auto installed = weights::installed_models(folders);
  if (!request->json) {
    print_plain(installed);
    return kDone;
  }
  Json json = {{"folders", {folders.own.string(), folders.demo.string()}},
               {"installed", Json::array()},
               {"not_installed", Json::array()}};
  for (const auto& model : installed) json["installed"].push_back(as_json(model));
  for (const auto* model : absent_models(installed)) {
    json["not_installed"].push_back(as_json(*model));
  }
  std::cout << json.dump(2) << '\n';
  return kDone;
}

}  // namespace cli
