// SPDX-License-Identifier: Apache-2.0
#include "weights/checkpoint.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "weights/detect.h"
#include "weights/inventory.h"
#include "weights/tensor_set.h"

namespace weights {
namespace {

namespace fs = std::filesystem;
using base::text;

// Where a layout keeps weights, below the folder of the model. What is in a folder is decided by
// the tensors; only which expert it is must be taken from the name.
struct Place {
  std::string_view folder;
  Expert expert;
};

constexpr Place kPlaces[] = {
    {"", Expert::only},
    {"high_noise_model", Expert::high_noise},
    {"low_noise_model", Expert::low_noise},
    {"transformer", Expert::only},  // of two, the one for high noise: see place_of()
    {"transformer_2", Expert::low_noise},
    {"text_encoder", Expert::only},
    {"vae", Expert::only},
    {"image_encoder", Expert::only},
    {"diffusion_models", Expert::only},
    {"text_encoders", Expert::only},
    {"clip_vision", Expert::only},
    {"split_files/diffusion_models", Expert::only},
    {"split_files/text_encoders", Expert::only},
    {"split_files/vae", Expert::only},
    {"split_files/clip_vision", Expert::only},
};

constexpr std::string_view kTokenizerFolders[] = {"google/umt5-xxl", "tokenizer", ""};
constexpr std::string_view kTokenizerFiles[] = {"tokenizer.json", "spiece.model"};

// "wan2.2_t2v_high_noise_14B_fp16" and "Wan2.2-T2V-A14B-HighNoise" alike.
Expert expert_in_name(const std::string& file_name) {
  std::string plain;
  for (const char c : file_name) {
    if (c != '_' && c != '-' && c != ' ') plain += static_cast<char>(std::tolower(c));
  }
  const bool high = plain.find("highnoise") != std::string::npos;
  const bool low = plain.find("lownoise") != std::string::npos;
  if (high == low) return Expert::only;
  return high ? Expert::high_noise : Expert::low_noise;
}

// The file's own name goes before that of its folder: both may lie in one folder, or each in its
// own under the same name.
Expert expert_of(const fs::path& file) {
  const auto named = expert_in_name(file.filename().string());
  if (named != Expert::only) return named;
  return expert_in_name(file.parent_path().filename().string());
}

Expert place_of(const fs::path& folder, const Place& place, const TensorFiles& files) {
  if (place.folder == "transformer" && fs::exists(folder / "transformer_2")) {
    return Expert::high_noise;
  }
  if (place.expert != Expert::only || files.files.empty()) return place.expert;
  return expert_of(files.files[0]);
}

// config.json beside the weights, where there is one.
std::optional<PartConfig> config_beside(const fs::path& folder) {
  const auto file = folder / "config.json";
  if (!fs::exists(file)) return std::nullopt;
  PartConfig config{file.string(), base::read_json(file)};
  if (!config.json.is_object()) {
    throw base::Error(base::Fault::invalid, text(config.file, ": is not a JSON object"));
  }
  return config;
}

template <typename Spec>
AnyPart make_part(Spec spec, RecognisedPart& recognised, const TensorSet& set, Expert expert) {
  check_tensors(recognised.tensors, tensors_of(spec), set.origin);
  return Part<Spec>{.spec = std::move(spec),
                    .tensors = std::move(recognised.tensors),
                    .naming = recognised.naming,
                    .expert = expert,
                    .origin = set.origin,
                    .files = set.files,
                    .metadata = set.metadata,
                    .tokenizer = std::move(recognised.tokenizer)};
}

// The config of a folder describes its DiT; in the folders of diffusers, whatever lies there.
bool config_applies(const RecognisedPart& part, bool is_own_folder) {
  return part.prefix.empty() && (part.kind == PartKind::dit || is_own_folder);
}

AnyPart detect_part(RecognisedPart& part,
                    const TensorSet& set,
                    const PartConfig* config,
                    Expert expert) {
  switch (part.kind) {
    case PartKind::text_encoder:
      return make_part(detect_umt5(part.tensors, config, set.origin), part, set, Expert::only);
    case PartKind::vae:
      return make_part(detect_vae(part.tensors, config, set.origin), part, set, Expert::only);
    case PartKind::image_encoder:
      return make_part(detect_clip(part.tensors, config, set.origin), part, set, Expert::only);
    case PartKind::dit:
      break;
  }
  return make_part(detect_dit(part.tensors, config, set.origin), part, set, expert);
}

void add_set(const TensorFiles& files, Expert expert, bool is_own_folder, Findings& found) {
  const auto set = read_tensor_set(files);
  auto parts = recognise(set);
  if (parts.empty()) {
    (is_adapter(set.tensors) ? found.adapters : found.unknown).push_back(set.origin);
    return;
  }
  const auto config = config_beside(set.files[0].parent_path());
  if (parts.size() > 1 || parts.front().tokenizer ||
      (parts.front().kind == PartKind::text_encoder && !is_own_folder &&
       parts.front().naming == Naming::diffusers)) {
    found.layout = Layout::comfyui;
  }
  for (auto& part : parts) {
    const bool applies = config && config_applies(part, is_own_folder);
    found.parts.push_back(detect_part(part, set, applies ? &*config : nullptr, expert));
  }
}

fs::path find_tokenizer(const fs::path& folder) {
  for (const auto place : kTokenizerFolders) {
    for (const auto file : kTokenizerFiles) {
      auto candidate = place.empty() ? folder : folder / place;
      if (fs::exists(candidate / file)) return candidate;
    }
  }
  return {};
}

std::optional<double> read_boundary(const fs::path& folder) {
  const auto file = folder / "model_index.json";
  if (!fs::exists(file)) return std::nullopt;
  const auto json = base::read_json(file);
  if (!json.is_object() || !json.contains("boundary_ratio")) return std::nullopt;
  const auto& ratio = json["boundary_ratio"];
  if (ratio.is_null()) return std::nullopt;
  if (!ratio.is_number() || !(ratio.get<double>() > 0) || !(ratio.get<double>() < 1)) {
    throw base::Error(
        base::Fault::invalid,
        text(file.string(), ": boundary_ratio is ", ratio.dump(), ", expected 0 to 1"));
  }
  return ratio.get<double>();
}

Layout layout_of(const fs::path& folder) {
  if (fs::exists(folder / "model_index.json") || fs::exists(folder / "transformer")) {
    return Layout::diffusers;
  }
  const bool is_comfyui =
      fs::exists(folder / "split_files") || fs::exists(folder / "diffusion_models");
  return is_comfyui ? Layout::comfyui : Layout::official;
}

Findings find_in_folder(const fs::path& folder) {
  Findings found{.layout = layout_of(folder)};
  const bool is_diffusers = found.layout == Layout::diffusers;
  for (const auto& place : kPlaces) {
    const auto below = place.folder.empty() ? folder : folder / place.folder;
    if (!fs::is_directory(below)) continue;
    for (const auto& files : find_tensor_sets(below)) {
      add_set(files, place_of(folder, place, files), is_diffusers && !place.folder.empty(), found);
    }
  }
  found.tokenizer = find_tokenizer(folder);
  found.boundary = read_boundary(folder);
  return found;
}

template <typename Spec>
void put(std::optional<Part<Spec>>& slot, Part<Spec> part, std::string_view what) {
  if (slot) {
    throw base::Error(base::Fault::invalid,
                      text("two candidates for the ",
                           what,
                           ": ",
                           slot->origin,
                           " and ",
                           part.origin,
                           "; name the files that belong together instead of the folder"));
  }
  slot = std::move(part);
}

void put(Checkpoint& checkpoint, AnyPart any) {
  if (auto* dit = std::get_if<DitPart>(&any)) {
    auto& slot = dit->expert == Expert::low_noise ? checkpoint.dit_low : checkpoint.dit;
    put(slot, std::move(*dit), "diffusion transformer");
  } else if (auto* text_encoder = std::get_if<TextEncoderPart>(&any)) {
    put(checkpoint.text_encoder, std::move(*text_encoder), "text encoder");
  } else if (auto* vae = std::get_if<VaePart>(&any)) {
    put(checkpoint.vae, std::move(*vae), "VAE");
  } else {
    put(checkpoint.image_encoder, std::get<ImageEncoderPart>(std::move(any)), "image encoder");
  }
}

// A low-noise expert needs its other half, of the same dimensions; alone, either is a model.
void check_experts(Checkpoint& checkpoint) {
  if (!checkpoint.dit_low) return;
  if (!checkpoint.dit) {
    checkpoint.dit = std::exchange(checkpoint.dit_low, std::nullopt);
    return;
  }
  if (checkpoint.dit->expert == Expert::only) {
    throw base::Error(base::Fault::invalid,
                      text(checkpoint.dit_low->origin,
                           " is a low-noise expert, but ",
                           checkpoint.dit->origin,
                           " is no high-noise expert"));
  }
  if (checkpoint.dit->spec != checkpoint.dit_low->spec) {
    throw base::Error(base::Fault::invalid,
                      text("the experts differ in their dimensions: ",
                           checkpoint.dit->origin,
                           " and ",
                           checkpoint.dit_low->origin));
  }
}

}  // namespace

std::string_view name_of(Expert expert) {
  constexpr std::string_view kNames[] = {"only", "high_noise", "low_noise"};
  return kNames[static_cast<size_t>(expert)];
}

std::string_view name_of(Layout layout) {
  constexpr std::string_view kNames[] = {"official", "diffusers", "comfyui"};
  return kNames[static_cast<size_t>(layout)];
}

PartKind kind_of(const AnyPart& part) {
  return static_cast<PartKind>(part.index());
}

Findings find_parts(const fs::path& path) {
  if (fs::is_directory(path)) return find_in_folder(path);
  Findings found;
  TensorFiles files;
  const auto name = path.filename().string();
  (name.ends_with(".index.json") ? files.index : files.files.emplace_back()) = path;
  add_set(files, expert_of(path), false, found);
  return found;
}

Checkpoint assemble(std::vector<Findings> findings) {
  Checkpoint checkpoint;
  for (auto& found : findings) {
    if (checkpoint.layout == Layout::official) checkpoint.layout = found.layout;
    if (checkpoint.tokenizer.empty()) checkpoint.tokenizer = found.tokenizer;
    if (found.boundary) checkpoint.boundary = found.boundary;
    for (auto& part : found.parts) put(checkpoint, std::move(part));
  }
  check_experts(checkpoint);
  return checkpoint;
}

Checkpoint open_checkpoint(std::span<const fs::path> paths) {
  std::vector<Findings> findings;
  for (const auto& path : paths) {
    findings.push_back(find_parts(path));
    const auto& found = findings.back();
    if (!found.parts.empty() || !found.tokenizer.empty()) continue;
    auto others = found.unknown;
    others.insert(others.end(), found.adapters.begin(), found.adapters.end());
    throw base::Error(base::Fault::invalid,
                      text(path.string(),
                           ": holds no part of a Wan model",
                           others.empty() ? "" : ", only ",
                           base::join(others, ", ")));
  }
  return assemble(std::move(findings));
}

Checkpoint open_checkpoint(const fs::path& path) {
  return open_checkpoint(std::span(&path, 1));
}

std::vector<const specs::ModelSpec*> matching_models(const Checkpoint& checkpoint) {
  std::vector<const specs::ModelSpec*> matching;
  for (const auto& model : specs::models()) {
    const bool is_pair = model.boundary > 0;
    const bool fits = (!checkpoint.dit || checkpoint.dit->spec == model.dit) &&
                      (!checkpoint.dit_low || is_pair) &&
                      (!checkpoint.dit || checkpoint.dit_low || !is_pair ||
                       checkpoint.dit->expert != Expert::only) &&
                      (!checkpoint.vae || checkpoint.vae->spec == model.vae) &&
                      (!checkpoint.text_encoder || checkpoint.text_encoder->spec == model.umt5);
    if (fits) matching.push_back(&model);
  }
  return matching;
}

std::vector<const specs::ModelSpec*> runnable_models(const Checkpoint& checkpoint) {
  auto models = matching_models(checkpoint);
  const bool is_pair = checkpoint.dit_low.has_value();
  std::erase_if(models, [&](const auto* model) { return (model->boundary > 0) != is_pair; });
  return models;
}

std::vector<std::string_view> missing_parts(const Checkpoint& checkpoint) {
  const auto& encoder = checkpoint.text_encoder;
  const bool has_tokenizer = !checkpoint.tokenizer.empty() || (encoder && encoder->tokenizer);
  std::vector<std::string_view> missing;
  if (!checkpoint.dit) missing.emplace_back("the diffusion transformer");
  if (!encoder) missing.emplace_back("the text encoder");
  if (!checkpoint.vae) missing.emplace_back("the VAE");
  if (!has_tokenizer) missing.emplace_back("the tokenizer");
  return missing;
}

}  // namespace weights
