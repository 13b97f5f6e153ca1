// SPDX-License-Identifier: Apache-2.0
#include "weights/installed.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "weights/inventory.h"

namespace weights {
namespace {

namespace fs = std::filesystem;
using base::text;

fs::path from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? fs::path() : fs::path(value);
}

// Below the user's data folder, where the variable names no other.
fs::path own_folder(const char* variable, const char* name) {
  if (auto named = from_environment(variable); !named.empty()) return named;
  auto data = from_environment("XDG_DATA_HOME");
  if (data.empty()) data = from_environment("HOME") / ".local/share";
  return data / "zoetrope" / name;
}

// weights/tiny of the repository when running from its build folder, else of the installation.
fs::path demo_folder() {
  std::error_code ignored;
  const auto programs = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  auto installed = programs.parent_path() / "share/zoetrope/weights/tiny";
  if (fs::is_directory(installed, ignored)) return installed;
  for (auto above = programs; above.has_relative_path(); above = above.parent_path()) {
    if (fs::is_directory(above / "weights/tiny", ignored)) return above / "weights/tiny";
  }
  return installed;
}

template <typename Spec>
void add_part(InstalledModel& model, const std::optional<Part<Spec>>& part, std::string name) {
  if (!part) return;
  model.parts.push_back(std::move(name));
  for (const auto& [tensor, view] : part->tensors) model.bytes += view.stored_bytes();
}

void describe(InstalledModel& model) {
  auto found = find_parts(model.path);
  if (found.parts.empty()) return;
  model.layout = found.layout;
  std::vector<Findings> findings;
  findings.push_back(std::move(found));
  const auto checkpoint = assemble(std::move(findings));
  add_part(model, checkpoint.dit, checkpoint.dit_low ? "dit high_noise" : "dit");
  add_part(model, checkpoint.dit_low, "dit low_noise");
  add_part(model, checkpoint.text_encoder, "text_encoder");
  add_part(model, checkpoint.vae, "vae");
  add_part(model, checkpoint.image_encoder, "image_encoder");
  if (checkpoint.dit) model.specs = runnable_models(checkpoint);
  const auto missing = missing_parts(checkpoint);
  if (missing.empty()) return;
  model.problem = text(model.path.string(), ": has not ", base::join(missing, ", "));
}

// How to get what is not there; empty where the name is not that of a model that can be had.
std::string route_to(std::string_view name) {
  const auto* model = specs::find_model(name);
  if (model == nullptr || model->is_demo()) return {};
  return text(
      "; it is ", base::human_bytes(published_bytes(*model)), " to fetch: ", fetch_command(*model));
}

}  // namespace

ModelFolders model_folders() {
  return {.own = own_folder("ZOETROPE_MODELS", "models"), .demo = demo_folder()};
}

fs::path adapter_folder() {
  return own_folder("ZOETROPE_LORAS", "loras");
}

std::string fetch_command(const specs::ModelSpec& model) {
  return model.is_demo() ? std::string() : text("zoetrope pull ", model.name);
}

std::vector<InstalledModel> models_in(const fs::path& folder) {
  std::set<fs::path> below;
  if (fs::is_directory(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const bool is_hidden = entry.path().filename().string().starts_with('.');
      if (entry.is_directory() && !is_hidden) below.insert(entry.path());
    }
  }
  std::vector<InstalledModel> models;
  for (const auto& path : below) {
    InstalledModel model{.name = path.filename().string(), .path = path};
    try {
      describe(model);
    } catch (const base::Error& error) {
      model.problem = error.what();
    } catch (const fs::filesystem_error& error) {
      model.problem = error.what();  // a folder that this user may not read, for one
    }
    if (!model.parts.empty() || !model.problem.empty()) models.push_back(std::move(model));
  }
  return models;
}

std::vector<InstalledModel> installed_models(const ModelFolders& folders) {
  auto models = models_in(folders.own);
  std::ranges::move(models_in(folders.demo), std::back_inserter(models));
  return models;
}

fs::path find_installed(std::string_view name, const ModelFolders& folders) {
  if (fs::exists(name)) return name;
  const auto models = installed_models(folders);
  std::vector<std::string> names, fitting, lacking;
  for (const auto& model : models) {
    if (model.name == name) return model.path;
    names.push_back(model.name);
    const auto has_name = [&](const specs::ModelSpec* spec) { return spec->name == name; };
    if (!std::ranges::any_of(model.specs, has_name)) continue;
    if (model.problem.empty()) {
      fitting.push_back(model.path.string());
    } else {
      lacking.push_back(text("; ", model.problem));
    }
  }
  if (fitting.size() == 1) return fitting[0];
  if (fitting.size() > 1) {
    throw base::Error(base::Fault::invalid,
                      text("several models are ",
                           name,
                           ": ",
                           base::join(fitting, ", "),
                           "; name one of these folders"));
  }
  throw base::Error(base::Fault::not_found,
                    text("no model ",
                         name,
                         " in ",
                         folders.own.string(),
                         " or ",
                         folders.demo.string(),
                         base::join(lacking, ""),
                         names.empty() ? text("; there is none at all")
                                       : text("; there are: ", base::join(names, ", ")),
                         route_to(name)));
}

}  // namespace weights
