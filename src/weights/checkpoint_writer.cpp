// SPDX-License-Identifier: Apache-2.0
#include "weights/checkpoint_writer.h"

#include <array>
#include <cstdio>
#include <set>

#include "base/bytes.h"
#include "base/json.h"
#include "base/text.h"

namespace weights {
namespace {

namespace fs = std::filesystem;
using base::Json;
using base::text;
using Headers = std::span<const TensorHeader>;

// Consecutive runs of at most `shard_bytes`; a tensor larger than that has a shard of its own.
std::vector<Headers> split(Headers tensors, uint64_t shard_bytes) {
  std::vector<Headers> shards;
  size_t begin = 0;
  uint64_t filled = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const uint64_t bytes = tensors[i].bytes();
    if (i > begin && filled + bytes > shard_bytes) {
      shards.push_back(tensors.subspan(begin, i - begin));
      begin = i;
      filled = 0;
    }
    filled += bytes;
  }
  shards.push_back(tensors.subspan(begin));
  return shards;
}

std::string shard_file(std::string_view stem, size_t number, size_t count) {
  if (count == 1) return text(stem, ".safetensors");
  std::array<char, 32> tail{};
  std::snprintf(tail.data(), tail.size(), "-%05zu-of-%05zu", number, count);
  return text(stem, tail.data(), ".safetensors");
}

std::string index_file(std::string_view stem) {
  return text(stem, ".safetensors.index.json");
}

std::string index_of(const std::vector<Headers>& shards, std::string_view stem) {
  Json weight_map = Json::object();
  uint64_t total = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    for (const auto& tensor : shards[i]) {
      weight_map[tensor.name] = shard_file(stem, i + 1, shards.size());
      total += tensor.bytes();
    }
  }
  return Json{{"metadata", {{"total_size", total}}}, {"weight_map", weight_map}}.dump(2) + "\n";
}

// Files of the stem that were there before and are no part of what was just written.
void remove_older(const fs::path& folder,
                  std::string_view stem,
                  const std::set<fs::path>& written) {
  for (const auto& entry : fs::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    const bool is_shard = name.starts_with(text(stem, "-")) && name.ends_with(".safetensors");
    const bool is_ours = is_shard || name == index_file(stem) || name == shard_file(stem, 1, 1);
    if (is_ours && !written.contains(entry.path())) fs::remove(entry.path());
  }
}

}  // namespace

void write_shards(const fs::path& folder,
                  std::string_view stem,
                  Headers tensors,
                  const TensorSource& source,
                  uint64_t shard_bytes) {
  fs::create_directories(folder);
  const auto shards = split(tensors, shard_bytes);
  std::set<fs::path> written;
  try {
    for (size_t i = 0; i < shards.size(); ++i) {
      const auto file = folder / shard_file(stem, i + 1, shards.size());
      write_safetensors(file, shards[i], source, {{"format", "pt"}});
      written.insert(file);
    }
    if (shards.size() > 1) {
      const auto file = folder / index_file(stem);
      base::write_file(file, index_of(shards, stem));
      written.insert(file);
    }
  } catch (...) {
    std::error_code ignored;
    for (const auto& file : written) fs::remove(file, ignored);
    throw;
  }
  remove_older(folder, stem, written);
}

void write_config(const fs::path& folder, const specs::DitSpec& spec) {
  const bool is_image = spec.in_dim != spec.out_dim;
  const bool is_both = spec.out_dim == 48;  // TI2V: text and image to video with one network
  const Json config = {{"_class_name", "WanModel"},
                       {"model_type",
                        is_image  ? "i2v"
                        : is_both ? "ti2v"
                                  : "t2v"},
                       {"dim", spec.dim},
                       {"ffn_dim", spec.ffn_dim},
                       {"freq_dim", spec.freq_dim},
                       {"text_dim", spec.text_dim},
                       {"text_len", spec.text_len},
                       {"in_dim", spec.in_dim},
                       {"out_dim", spec.out_dim},
                       {"num_heads", spec.num_heads},
                       {"num_layers", spec.num_layers},
                       {"eps", spec.eps}};
  fs::create_directories(folder);
  base::write_file(folder / "config.json", config.dump(2) + "\n");
}

std::string_view vae_stem(specs::VaeKind kind) {
  return kind == specs::VaeKind::vae21 ? "Wan2.1_VAE" : "Wan2.2_VAE";
}

}  // namespace weights
