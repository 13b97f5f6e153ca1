// SPDX-License-Identifier: Apache-2.0
#include "weights/recognise.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "weights/names.h"
#include "weights/quantisation.h"

namespace weights {
namespace {

using base::text;

// Prefixes of all-in-one files, the longer before the shorter.
constexpr std::string_view kPrefixes[] = {
    "model.diffusion_model.",
    "diffusion_model.",
    "text_encoders.umt5xxl.transformer.",
    "text_encoders.umt5xxl.",
    "text_encoders.",
    "clip_vision.",
    "first_stage_model.",
    "vae.",
};

// A part is recognised by any of its modules, so that a file that lacks one is still told what it
// lacks.
struct Signature {
  PartKind kind;
  Naming naming;
  std::array<std::string_view, 3> modules;
};

constexpr Signature kSignatures[] = {
    {PartKind::dit,
     Naming::official,
     {"blocks.#.self_attn", "time_projection.1", "head.modulation"}},
    {PartKind::dit, Naming::diffusers, {"blocks.#.attn1", "condition_embedder", "proj_out"}},
    {PartKind::text_encoder,
     Naming::official,
     {"blocks.#.attn", "blocks.#.pos_embedding", "token_embedding"}},
    {PartKind::text_encoder,
     Naming::diffusers,
     {"encoder.block.#.layer", "shared", "encoder.embed_tokens"}},
    {PartKind::vae,
     Naming::official,
     {"decoder.upsamples.#", "encoder.downsamples.#", "decoder.middle.#"}},
    {PartKind::vae,
     Naming::diffusers,
     {"decoder.up_blocks.#", "encoder.down_blocks.#", "post_quant_conv"}},
    {PartKind::image_encoder,
     Naming::official,
     {"visual.transformer.#", "visual.patch_embedding", "visual.cls_embedding"}},
    {PartKind::image_encoder,
     Naming::diffusers,
     {"vision_model.encoder.layers.#", "vision_model.embeddings", "vision_model.pre_layrnorm"}},
};

// Relatives that share the block names. Facts: the keys their own repositories add.
struct Variant {
  std::string_view module;
  std::string_view name;
};

constexpr Variant kVariants[] = {
    {"vace_patch_embedding", "VACE"},
    {"vace_blocks", "VACE"},
    {"control_adapter", "Fun camera control"},
    {"ref_conv", "Fun control with reference"},
    {"casual_audio_encoder", "speech to video (S2V)"},
    {"face_adapter", "Animate"},
    {"motion_encoder", "Animate"},
    {"audio_proj", "HuMo"},
};

// In the files, of no use to this program.
struct Unused {
  PartKind kind;
  std::string_view module;
};

constexpr Unused kUnused[] = {
    {PartKind::dit, "blocks.#.attn2.norm_added_q"},
    {PartKind::text_encoder, "logit_scale"},
    {PartKind::image_encoder, "textual"},
    {PartKind::image_encoder, "log_scale"},
    {PartKind::image_encoder, "visual.post_norm"},
    {PartKind::image_encoder, "visual.head"},
    {PartKind::image_encoder, "vision_model.post_layernorm"},
    {PartKind::image_encoder, "vision_model.embeddings.position_ids"},
    {PartKind::image_encoder, "visual_projection"},
    {PartKind::image_encoder, "text_model"},
    {PartKind::image_encoder, "text_projection"},
    {PartKind::image_encoder, "logit_scale"},
};

constexpr std::string_view kTokenizer = "spiece_model";

bool has_module(const TensorMap& tensors, std::string_view module) {
  return std::ranges::any_of(tensors,
                             [&](const auto& item) { return lies_below(item.first, module); });
}

const Signature* find_signature(const TensorMap& tensors) {
  for (const auto& signature : kSignatures) {
    for (const auto module : signature.modules) {
      if (has_module(tensors, module)) return &signature;
    }
  }
  return nullptr;
}

// The tensors by prefix, without it.
std::map<std::string, TensorMap> split_by_prefix(const TensorMap& tensors) {
  std::map<std::string, TensorMap> groups;
  for (const auto& [name, view] : tensors) {
    std::string_view prefix;
    for (const auto candidate : kPrefixes) {
      if (prefix.empty() && name.starts_with(candidate)) prefix = candidate;
    }
    groups[std::string(prefix)].emplace(name.substr(prefix.size()), view);
  }
  return groups;
}

void refuse_variants(const TensorMap& tensors, const std::string& origin) {
  for (const auto& variant : kVariants) {
    for (const auto& [name, view] : tensors) {
      if (!lies_below(name, variant.module)) continue;
      throw base::Error(
          base::Fault::invalid,
          text(origin, ": ", variant.name, " models are not supported (tensor ", name, ")"));
    }
  }
}

NameTable names_of(PartKind kind, const TensorMap& tensors) {
  switch (kind) {
    case PartKind::dit:
      return dit_names();
    case PartKind::text_encoder:
      return umt5_names();
    case PartKind::image_encoder:
      return clip_names();
    case PartKind::vae:
      break;
  }
  return has_module(tensors, "encoder.down_blocks.#.resnets") ? vae22_names() : vae21_names();
}

bool is_unused(PartKind kind, std::string_view name) {
  return std::ranges::any_of(kUnused, [&](const Unused& unused) {
    return unused.kind == kind && lies_below(name, unused.module);
  });
}

TensorMap rename(const RecognisedPart& part, const std::string& origin) {
  const auto table =
      part.naming == Naming::official ? NameTable{} : names_of(part.kind, part.tensors);
  TensorMap renamed;
  for (const auto& [name, view] : part.tensors) {
    if (is_unused(part.kind, name)) continue;
    const auto [found, is_new] = renamed.emplace(official_name(table, name), view);
    if (!is_new && !lies_below(name, "shared") && !lies_below(name, "encoder.embed_tokens")) {
      throw base::Error(base::Fault::invalid,
                        text(origin, ": tensor ", name, " is there under two names"));
    }
  }
  return renamed;
}

// [257, 1280] -> [1, 257, 1280], [1280] -> [1, 1, 1280]: the official file has leading ones.
void add_leading_ones(TensorMap& tensors, std::string_view name) {
  const auto found = tensors.find(name);
  if (found == tensors.end() || !found->second.strides.empty()) return;
  auto& shape = found->second.shape;
  if (shape.size() < 3) shape.insert(shape.begin(), 3 - shape.size(), 1);
}

// Puts to_q, to_k and to_v of a block under one another, as to_qkv.
void stack_qkv(TensorMap& tensors) {
  constexpr std::string_view kFirst = ".attn.to_q.";
  std::vector<std::string> firsts;
  for (const auto& [name, view] : tensors) {
    if (name.find(kFirst) != std::string::npos) firsts.push_back(name);
  }
  for (const auto& first : firsts) {
    const auto at = first.find(kFirst) + kFirst.size() - 1;  // behind "to_q"
    auto stacked = tensors.at(first);
    stacked.bytes = {};
    for (const char letter : {'q', 'k', 'v'}) {
      auto name = first;
      name[at - 1] = letter;
      const auto found = tensors.find(name);
      if (found == tensors.end() || found->second.shape != tensors.at(first).shape) return;
      stacked.stacked.push_back(found->second);
    }
    if (stacked.shape.empty() || stacked.shape[0] > INT32_MAX) return;
    stacked.shape[0] *= 3;
    for (const char letter : {'k', 'v'}) {
      auto name = first;
      name[at - 1] = letter;
      tensors.erase(name);
    }
    tensors.erase(first);
    tensors.emplace(first.substr(0, at) + "kv" + first.substr(at), std::move(stacked));
  }
}

// Gives the part its official names and its quantised tensors their scales.
void make_official(RecognisedPart& part, const TensorSet& set) {
  if (const auto found = part.tensors.find(kTokenizer); found != part.tensors.end()) {
    part.tokenizer = found->second;
    part.tensors.erase(found);
  }
  part.tensors = rename(part, set.origin);
  attach_scales(part.tensors, set.metadata, set.origin);
  if (part.kind == PartKind::image_encoder && part.naming == Naming::diffusers) {
    stack_qkv(part.tensors);
    add_leading_ones(part.tensors, "visual.cls_embedding");
    add_leading_ones(part.tensors, "visual.pos_embedding");
  }
}

}  // namespace

std::string_view name_of(PartKind kind) {
  constexpr std::string_view kNames[] = {"dit", "text_encoder", "vae", "image_encoder"};
  return kNames[static_cast<size_t>(kind)];
}

std::string_view name_of(Naming naming) {
  return naming == Naming::official ? "official" : "diffusers";
}

bool is_adapter(const TensorMap& tensors) {
  constexpr std::string_view kMarks[] = {
      ".lora_A.", ".lora_B.", ".lora_down.", ".lora_up.", ".hada_w", ".lokr_w", ".lora_mid."};
  return std::ranges::any_of(tensors, [&](const auto& item) {
    return std::ranges::any_of(
        kMarks, [&](std::string_view mark) { return item.first.find(mark) != std::string::npos; });
  });
}

std::vector<RecognisedPart> recognise(const TensorSet& set) {
  std::vector<RecognisedPart> parts;
  if (is_adapter(set.tensors)) return parts;
  auto groups = split_by_prefix(set.tensors);
  // ComfyUI's all-in-one files put the tokenizer beside the encoder's own prefix.
  std::optional<TensorView> tokenizer;
  for (const std::string_view prefix : {"text_encoders.umt5xxl.", "text_encoders."}) {
    const auto group = groups.find(std::string(prefix));
    if (group == groups.end()) continue;
    if (const auto found = group->second.find(kTokenizer); found != group->second.end()) {
      tokenizer = found->second;
      group->second.erase(found);
    }
  }
  for (auto& [prefix, tensors] : groups) {
    refuse_variants(tensors, set.origin);
    const auto* signature = find_signature(tensors);
    if (signature == nullptr) continue;
    RecognisedPart part{signature->kind, signature->naming, prefix, std::move(tensors), {}};
    make_official(part, set);
    if (part.kind == PartKind::text_encoder && !part.tokenizer) part.tokenizer = tokenizer;
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace weights
