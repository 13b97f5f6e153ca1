// SPDX-License-Identifier: Apache-2.0
#include "lora/adapter.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "lora/changes.h"
#include "lora/file_alphas.h"
#include "lora/targets.h"
#include "weights/safetensors.h"

namespace lora {
namespace {

using base::Error;
using base::Fault;
using base::text;

constexpr size_t kNamesInAMessage = 3;
constexpr size_t kMostComplaints = 10;

weights::SafetensorsFile open(const std::filesystem::path& file) {
  try {
    return weights::read_safetensors(file);
  } catch (const Error& error) {
    if (error.fault() == Fault::not_found) throw;
    throw Error(Fault::invalid, text("lora_file_invalid: ", error.what()), error.detail());
  }
}

std::string identity_of(const std::filesystem::path& file) {
  return text(std::filesystem::canonical(file).string(),
              ' ',
              std::filesystem::file_size(file),
              ' ',
              std::filesystem::last_write_time(file).time_since_epoch().count());
}

// Whose adapter it seems to be, by names that only that family has.
std::string_view family_of(const weights::TensorMap& tensors) {
  constexpr std::pair<std::string_view, std::string_view> kFamilies[] = {
      {"double_blocks", "FLUX or HunyuanVideo"},
      {"single_transformer_blocks", "FLUX"},
      {"joint_blocks", "Stable Diffusion 3"},
      {"down_blocks", "Stable Diffusion"},
      {"input_blocks", "Stable Diffusion"},
      {"transformer_blocks", "LTX-Video, CogVideoX or Qwen-Image"}};
  for (const auto& [mark, family] : kFamilies) {
    for (const auto& [name, view] : tensors) {
      if (name.find(mark) != std::string::npos) return family;
    }
  }
  return {};
}

// The known models with a network of this width, where it is not the one at hand.
std::string models_of_width(int64_t width) {
  std::vector<std::string_view> names;
  for (const auto& model : specs::models()) {
    if (model.dit.dim == width) names.push_back(model.name);
  }
  return base::join(names, ", ");
}

// The width for which the file was made: that of what goes into the first block's attention.
int64_t width_of(const Pieces& pieces) {
  const auto down = pieces.by_role.find(Role::down);
  if (down == pieces.by_role.end() || down->second.view.shape.size() != 2) return 0;
  return down->second.view.shape[1];
}

std::string first_names(const std::vector<std::string>& names) {
  const auto count = std::min(names.size(), kNamesInAMessage);
  return base::join(std::span(names).first(count), ", ") + (names.size() > count ? ", …" : "");
}

class Reader {
 public:
  Reader(const std::filesystem::path& file, const specs::DitSpec& spec)
      : origin_(file.string()),
        file_(open(file)),
        spec_(spec),
        targets_(spec),
        image_targets_(with_image_branch(spec)),
        adapter_(std::make_shared<Adapter>()) {
    adapter_->identity = identity_of(file);
    adapter_->origin = origin_;
    adapter_->hint = hint_of(file.filename().string(), file_.metadata);
  }

  std::shared_ptr<const Adapter> read() {
    if (file_.tensors.empty()) refuse({"lora_empty: there is no tensor in it"});
    for (const auto& [name, view] : file_.tensors) sort(name, view);
    add_alphas();
    std::set<std::string> modules;
    for (const auto& [parameter, pieces] : pieces_) add(pieces, modules);
    if (!complaints_.empty()) refuse(complaints_);
    if (modules.empty()) refuse({no_match()});
    adapter_->modules = static_cast<int>(modules.size());
    return adapter_;
  }

 private:
  [[noreturn]] void refuse(std::vector<std::string> complaints) const {
    if (complaints.size() > kMostComplaints) {
      const auto more = complaints.size() - kMostComplaints;
      complaints.resize(kMostComplaints);
      complaints.push_back(text("and ", more, " more"));
    }
    throw Error(Fault::invalid, text(origin_, ": ", base::join(complaints, "\n")));
  }

  void sort(const std::string& name, const TensorView& view) {
    if (is_of_text_encoder(name)) {
      adapter_->ignored.push_back(name);
      return;
    }
    const auto key = parse_key(name);
    const auto* target = key ? targets_.find(*key) : nullptr;
    if (target == nullptr) {
      const bool is_of_others = key && image_targets_.find(*key) != nullptr;
      (is_of_others ? adapter_->skipped : adapter_->unknown).push_back(name);
      return;
    }
    auto& pieces = pieces_[target->parameter];
    pieces.target = *target;
    const auto [earlier, is_new] = pieces.by_role.emplace(key->role, NamedView{name, view});
    if (!is_new) {
      complaints_.push_back(text("lora_conflict: ",
                                 target->module(),
                                 " is there twice, as ",
                                 earlier->second.name,
                                 " and as ",
                                 name));
    }
  }

  void add_alphas() {
    const auto alphas = file_alphas(file_.metadata);
    for (const auto& [parameter, alpha] : alphas.of(spec_)) {
      const auto found = pieces_.find(parameter);
      if (found != pieces_.end()) found->second.alpha = alpha;
    }
  }

  void add(const Pieces& pieces, std::set<std::string>& modules) {
    auto made = make_changes(pieces);
    std::ranges::move(made.complaints, std::back_inserter(complaints_));
    if (!made.complaints.empty()) explain_width(pieces);
    std::ranges::move(made.skipped, std::back_inserter(adapter_->skipped));
    std::ranges::move(made.unknown, std::back_inserter(adapter_->unknown));
    if (made.changes.empty()) return;
    modules.insert(pieces.target.module());
    adapter_->changes[pieces.target.parameter] = std::move(made.changes);
  }

  // Once: the same is wrong with every other layer.
  void explain_width(const Pieces& pieces) {
    if (is_width_explained_ || !pieces.target.parameter.ends_with("attn.q.weight")) return;
    const auto width = width_of(pieces);
    if (width == 0 || width == spec_.dim) return;
    is_width_explained_ = true;
    const auto models = models_of_width(width);
    complaints_.push_back(text("it is made for a network ",
                               width,
                               " wide",
                               models.empty() ? "" : text(" (", models, ")"),
                               ", this one is ",
                               spec_.dim,
                               " wide"));
  }

  std::string no_match() const {
    const auto& found = !adapter_->unknown.empty()   ? adapter_->unknown
                        : !adapter_->skipped.empty() ? adapter_->skipped
                                                     : adapter_->ignored;
    const auto family = family_of(file_.tensors);
    return text("lora_no_match: nothing in it is for this network; it has ",
                first_names(found),
                family.empty() ? "" : text(", which is of ", family));
  }

  std::string origin_;
  weights::SafetensorsFile file_;
  const specs::DitSpec& spec_;
  Targets targets_, image_targets_;
  std::map<std::string, Pieces> pieces_;
  std::vector<std::string> complaints_;
  bool is_width_explained_ = false;
  std::shared_ptr<Adapter> adapter_;
};

}  // namespace

std::vector<std::string> Adapter::warnings() const {
  const auto name = std::filesystem::path(origin).filename().string();
  std::vector<std::string> lines;
  const auto add = [&](std::string_view code, const auto& names, std::string_view why) {
    if (names.empty()) return;
    lines.push_back(
        text(code, ": ", name, ": ", names.size(), " tensors ", why, ": ", first_names(names)));
  };
  add("lora_text_encoder_keys", ignored, "are for a text encoder and were left out");
  add("lora_skipped", skipped, "are for parts that this model has not and were left out");
  add("lora_unknown_keys", unknown, "mean nothing to this model");
  return lines;
}

std::shared_ptr<const Adapter> read_adapter(const std::filesystem::path& file,
                                            const specs::DitSpec& spec) {
  return Reader(file, spec).read();
}

}  // namespace lora
