// SPDX-License-Identifier: Apache-2.0
// Writing the official layout, as training and tools need it. Encoders and VAE, which the official
// repositories ship as .pth, are written as .safetensors under the same name.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "specs/specs.h"
#include "weights/safetensors.h"

namespace weights {

// As in the official repositories: a reader of one shard maps 9 GiB at most.
constexpr uint64_t kShardBytes = uint64_t{9} << 30;

// Writes stem.safetensors, or stem-0000k-of-0000n.safetensors with an index where the tensors
// exceed `shard_bytes`, in the order given. The folder is made. On an error nothing of it stays; on
// success older files of the same stem are gone.
void write_shards(const std::filesystem::path& folder,
                  std::string_view stem,
                  std::span<const TensorHeader> tensors,
                  const TensorSource& source,
                  uint64_t shard_bytes = kShardBytes);

// The config.json of a DiT, as diffusers' ConfigMixin writes it for WanModel.
void write_config(const std::filesystem::path& folder, const specs::DitSpec& spec);

// The file of each part without its extension.
constexpr std::string_view kDitStem = "diffusion_pytorch_model";
constexpr std::string_view kTextEncoderStem = "models_t5_umt5-xxl-enc-bf16";
constexpr std::string_view kImageEncoderStem =
    "models_clip_open-clip-xlm-roberta-large-vit-huge-14";
std::string_view vae_stem(specs::VaeKind kind);

// The folder of the tokenizer's files.
constexpr std::string_view kTokenizerFolder = "google/umt5-xxl";

}  // namespace weights
