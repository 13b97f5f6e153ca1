// SPDX-License-Identifier: Apache-2.0
#include "toyworld/release.h"

#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"
#include "toyworld/state.h"
#include "toyworld/tokens.h"
#include "weights/checkpoint_writer.h"
#include "weights/inventory.h"
#include "weights/safetensors.h"

namespace toyworld {
namespace {

using base::text;
using weights::ExpectedTensor;

constexpr const char* kTokenizer = "google";  // what weights::kTokenizerFolder lies in

// The file's tensors in bf16, checked against what the network has.
NamedTensors read_stage(const std::filesystem::path& file,
                        const std::vector<ExpectedTensor>& expected) {
  auto found = load_tensors(file);
  NamedTensors result;
  for (const auto& [name, shape] : expected) {
    const auto at = found.find(name);
    if (at == found.end() || at->second.sizes() != torch::IntArrayRef(shape)) {
      throw base::Error(
          base::Fault::invalid,
          text(file.string(), ": no tensor ", name, " of shape ", torch::IntArrayRef(shape)));
    }
    result[name] = at->second.to(torch::kBFloat16);
    found.erase(at);
  }
  if (!found.empty()) {
    throw base::Error(
        base::Fault::invalid,
        text(file.string(), ": tensor ", found.begin()->first, " belongs to no part of the model"));
  }
  return result;
}

// Relative, so that both folders can move together.
void link(const std::filesystem::path& folder,
          const std::filesystem::path& share,
          const std::string& name) {
  namespace fs = std::filesystem;
  if (!fs::exists(share / name)) {
    throw base::Error(base::Fault::invalid,
                      text((share / name).string(), " is not there to share"));
  }
  fs::remove(folder / name);
  fs::create_symlink(fs::relative(share / name, folder), folder / name);
}

void write_dit(const std::filesystem::path& folder,
               const specs::DitSpec& spec,
               const std::filesystem::path& trained) {
  std::filesystem::create_directories(folder);
  save_tensors(folder / text(weights::kDitStem, ".safetensors"),
               read_stage(trained, weights::tensors_of(spec)));
  weights::write_config(folder, spec);
}

}  // namespace

void write_release(const std::filesystem::path& folder,
                   const specs::ModelSpec& model,
                   const Trained& trained) {
  const bool has_experts = model.boundary > 0;
  if (has_experts == trained.high.empty()) {
    throw base::Error(base::Fault::invalid,
                      text(model.name, has_experts ? " needs" : " has no", " high-noise expert"));
  }
  std::filesystem::create_directories(folder);
  const auto text_file = text(weights::kTextEncoderStem, ".safetensors");
  const auto vae_file = text(weights::vae_stem(model.vae.kind), ".safetensors");
  if (trained.share.empty()) {
    write_tokenizer(folder / weights::kTokenizerFolder);
    save_tensors(folder / text_file, read_stage(trained.text, weights::tensors_of(model.umt5)));
    save_tensors(folder / vae_file, read_stage(trained.vae, weights::tensors_of(model.vae)));
  } else {
    for (const auto& name : {std::string(kTokenizer), text_file, vae_file}) {
      link(folder, trained.share, name);
    }
  }
  if (!has_experts) return write_dit(folder, model.dit, trained.dit);
  write_dit(folder / "low_noise_model", model.dit, trained.dit);
  write_dit(folder / "high_noise_model", model.dit, trained.high);
}

}  // namespace toyworld
