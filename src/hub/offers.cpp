// SPDX-License-Identifier: Apache-2.0
#include "hub/offers.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "weights/inventory.h"

namespace hub {
namespace {

using base::Error;
using base::Fault;
using base::text;

// ── ComfyUI's files. Listings of https://huggingface.co/Comfy-Org/Wan_2.1_ComfyUI_repackaged and
// https://huggingface.co/Comfy-Org/Wan_2.2_ComfyUI_Repackaged, folder split_files. A14B goes with
// the VAE of 2.1.

constexpr std::string_view kComfy21 = "Comfy-Org/Wan_2.1_ComfyUI_repackaged";
constexpr std::string_view kComfy22 = "Comfy-Org/Wan_2.2_ComfyUI_Repackaged";
constexpr std::string_view kSplitFiles = "split_files/";

struct ComfyRow {
  std::string_view name;
  Layout layout;
  std::string_view repository;  // of the diffusion models and the VAE
  std::vector<std::string_view> diffusion_models;
  std::string_view vae;
};

const std::vector<ComfyRow>& comfy_rows() {
  static const std::vector<ComfyRow> rows = {
      {"wan2.1-t2v-1.3b",
       Layout::comfyui,
       kComfy21,
       {"split_files/diffusion_models/wan2.1_t2v_1.3B_fp16.safetensors"},
       "split_files/vae/wan_2.1_vae.safetensors"},
      {"wan2.1-t2v-14b",
       Layout::comfyui,
       kComfy21,
       {"split_files/diffusion_models/wan2.1_t2v_14B_fp16.safetensors"},
       "split_files/vae/wan_2.1_vae.safetensors"},
      {"wan2.1-t2v-14b",
       Layout::comfyui_fp8,
       kComfy21,
       {"split_files/diffusion_models/wan2.1_t2v_14B_fp8_scaled.safetensors"},
       "split_files/vae/wan_2.1_vae.safetensors"},
      {"wan2.2-t2v-a14b",
       Layout::comfyui,
       kComfy22,
       {"split_files/diffusion_models/wan2.2_t2v_high_noise_14B_fp16.safetensors",
        "split_files/diffusion_models/wan2.2_t2v_low_noise_14B_fp16.safetensors"},
       "split_files/vae/wan_2.1_vae.safetensors"},
      {"wan2.2-t2v-a14b",
       Layout::comfyui_fp8,
       kComfy22,
       {"split_files/diffusion_models/wan2.2_t2v_high_noise_14B_fp8_scaled.safetensors",
        "split_files/diffusion_models/wan2.2_t2v_low_noise_14B_fp8_scaled.safetensors"},
       "split_files/vae/wan_2.1_vae.safetensors"},
      {"wan2.2-ti2v-5b",
       Layout::comfyui,
       kComfy22,
       {"split_files/diffusion_models/wan2.2_ti2v_5B_fp16.safetensors"},
       "split_files/vae/wan2.2_vae.safetensors"},
  };
  return rows;
}

// Sizes of the commit that added them, dfcea77b.
constexpr OfferedFile kEncoder16 = {
    kComfy21, "split_files/text_encoders/umt5_xxl_fp16.safetensors", ""};
constexpr uint64_t kEncoder16Bytes = 11'366'399'385;
constexpr OfferedFile kEncoder8 = {
    kComfy21, "split_files/text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors", ""};
constexpr uint64_t kEncoder8Bytes = 6'735'906'897;

OfferedFile split_file(std::string_view repository, std::string_view path) {
  return {repository, path, path.substr(kSplitFiles.size())};
}

template <typename Spec>
uint64_t parameters_of(const Spec& spec) {
  return static_cast<uint64_t>(weights::count_parameters(weights::tensors_of(spec)));
}

Offer offer_of(const ComfyRow& row) {
  const bool is_fp8 = row.layout == Layout::comfyui_fp8;
  const auto& spec = *specs::find_model(row.name);
  Offer offer{.name = row.name, .layout = row.layout};
  for (const auto path : row.diffusion_models) {
    offer.files.push_back(split_file(row.repository, path));
  }
  const auto& encoder = is_fp8 ? kEncoder8 : kEncoder16;
  offer.files.push_back(split_file(encoder.repository, encoder.path));
  offer.files.push_back(split_file(row.repository, row.vae));
  offer.bytes = row.diffusion_models.size() * parameters_of(spec.dit) * (is_fp8 ? 1 : 2) +
                parameters_of(spec.vae) * 2 + (is_fp8 ? kEncoder8Bytes : kEncoder16Bytes);
  return offer;
}

// ── LightX2V's distilled adapters. Names and sizes of the repositories' listings on Hugging Face;
// those of Wan2.2-Lightning also as LightX2V's README downloads them.

std::vector<Offer> adapters() {
  return {
      {.name = "wan2.1-t2v-14b-distill",
       .layout = Layout::adapter,
       .files = {{"lightx2v/Wan2.1-Distill-Loras",
                  "wan2.1_t2v_14b_lora_rank64_lightx2v_4step.safetensors",
                  "lora.safetensors"}},
       .bytes = 631'000'000},
      {.name = "wan2.2-t2v-a14b-distill",
       .layout = Layout::adapter,
       .files = {{"lightx2v/Wan2.2-Distill-Loras",
                  "wan2.2_t2v_A14b_high_noise_lora_rank64_lightx2v_4step_1217.safetensors",
                  "high_noise.safetensors"},
                 {"lightx2v/Wan2.2-Distill-Loras",
                  "wan2.2_t2v_A14b_low_noise_lora_rank64_lightx2v_4step_1217.safetensors",
                  "low_noise.safetensors"}},
       .bytes = 1'228'000'000},
      {.name = "wan2.2-t2v-a14b-lightning",
       .layout = Layout::adapter,
       .files = {{"lightx2v/Wan2.2-Lightning",
                  "Wan2.2-T2V-A14B-4steps-lora-rank64-Seko-V1.1/high_noise_model.safetensors",
                  "high_noise.safetensors"},
                 {"lightx2v/Wan2.2-Lightning",
                  "Wan2.2-T2V-A14B-4steps-lora-rank64-Seko-V1.1/low_noise_model.safetensors",
                  "low_noise.safetensors"}},
       .bytes = 2'453'954'848},
  };
}

}  // namespace

std::string_view name_of(Layout layout) {
  switch (layout) {
    case Layout::official:
      return "official";
    case Layout::comfyui:
      return "comfyui";
    case Layout::comfyui_fp8:
      return "comfyui-fp8";
    case Layout::adapter:
      break;
  }
  return "lora";
}

std::string Offer::folder() const {
  const bool has_own_name = layout == Layout::official || layout == Layout::adapter;
  return has_own_name ? std::string(name) : text(name, '-', name_of(layout));
}

std::vector<Offer> offers() {
  std::vector<Offer> all;
  for (const auto& spec : specs::models()) {
    if (spec.is_demo()) continue;
    all.push_back({.name = spec.name,
                   .layout = Layout::official,
                   .repository = spec.repository,
                   .bytes = weights::published_bytes(spec)});
    for (const auto& row : comfy_rows()) {
      if (row.name == spec.name) all.push_back(offer_of(row));
    }
  }
  std::ranges::move(adapters(), std::back_inserter(all));
  return all;
}

Offer find_offer(std::string_view name, Layout layout) {
  std::vector<std::string_view> names, layouts;
  for (auto& offer : offers()) {
    if (names.empty() || names.back() != offer.name) names.push_back(offer.name);
    if (offer.name != name && (name.empty() || offer.repository != name)) continue;
    // Which layout is asked for says nothing of an adapter, which has one.
    if (offer.layout == layout || offer.layout == Layout::adapter) return std::move(offer);
    layouts.push_back(name_of(offer.layout));
    name = offer.name;
  }
  if (layouts.empty()) {
    throw Error(Fault::not_found,
                text("no model or LoRA is called ",
                     name,
                     "; there are ",
                     base::join(names, ", "),
                     ", and repositories of Hugging Face: owner/name"));
  }
  throw Error(Fault::invalid,
              text(name,
                   " is not there in the layout ",
                   name_of(layout),
                   ", only in ",
                   base::join(layouts, ", ")));
}

bool is_part_of_model(std::string_view path) {
  constexpr std::string_view kBeginnings[] = {"config.json",
                                              "diffusion_pytorch_model",
                                              "high_noise_model/",
                                              "low_noise_model/",
                                              "models_",
                                              "google/",
                                              "xlm-roberta-large/"};
  const bool is_vae = path.starts_with("Wan2.") && path.find("_VAE.") != std::string_view::npos;
  return is_vae || std::ranges::any_of(kBeginnings, [&](std::string_view beginning) {
           return path.starts_with(beginning);
         });
}

}  // namespace hub
