// SPDX-License-Identifier: Apache-2.0
#include "weights/tensor_set.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "weights/pth.h"
#include "weights/safetensors.h"
#include "weights/zip.h"

namespace weights {
namespace {

namespace fs = std::filesystem;
using base::text;

constexpr std::string_view kSafetensors = ".safetensors";
constexpr std::string_view kIndex = ".safetensors.index.json";
constexpr int kMaxIndexDepth = 4;
constexpr size_t kMaxIndexBytes = 16u << 20;
constexpr size_t kShardTail = 15;  // "-00001-of-00003"
constexpr size_t kMaxShards = 1000;

[[noreturn]] void refuse(const fs::path& file, const std::string& why) {
  throw base::Error(base::Fault::invalid, text(file.string(), ": ", why));
}

// x-00002-of-00003.safetensors
struct ShardName {
  std::string stem;
  size_t number = 0;
  size_t count = 0;
};

std::optional<size_t> five_digits(std::string_view digits) {
  size_t value = 0;
  const auto [end, error] = std::from_chars(digits.begin(), digits.end(), value);
  if (error != std::errc{} || end != digits.end()) return std::nullopt;
  return value;
}

std::optional<ShardName> shard_name(std::string_view name) {
  if (!name.ends_with(kSafetensors)) return std::nullopt;
  name.remove_suffix(kSafetensors.size());
  if (name.size() < kShardTail) return std::nullopt;
  const auto tail = name.substr(name.size() - kShardTail);
  if (tail[0] != '-' || tail.substr(6, 4) != "-of-") return std::nullopt;
  const auto number = five_digits(tail.substr(1, 5));
  const auto count = five_digits(tail.substr(10, 5));
  if (!number || !count) return std::nullopt;
  return ShardName{std::string(name.substr(0, name.size() - kShardTail)), *number, *count};
}

// The files of an index, each the plain name of a file of its folder.
std::set<std::string> shards_of(const base::Json& weight_map, const fs::path& index) {
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : weight_map.items()) {
    if (!shard.is_string()) refuse(index, text("tensor ", tensor, " has no shard"));
    const auto& name = shard.get_ref<const std::string&>();
    if (name.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos ||
        !name.ends_with(kSafetensors)) {
      refuse(index,
             text("names the shard \"", name, "\", which is no .safetensors file of its folder"));
    }
    shards.insert(name);
  }
  return shards;
}

base::Json read_weight_map(const fs::path& index) {
  auto json = base::read_json(index, {.depth = kMaxIndexDepth, .bytes = kMaxIndexBytes});
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    refuse(index, "has no weight_map");
  }
  return std::move(json["weight_map"]);
}

void merge(TensorSet& whole, TensorSet shard) {
  for (auto& [name, view] : shard.tensors) {
    const auto [found, is_new] = whole.tensors.emplace(name, view);
    if (!is_new) {
      refuse(shard.files[0],
             text("tensor ", name, " is also in ", found->second.file->path().filename().string()));
    }
  }
  whole.metadata.merge(shard.metadata);
  whole.files.push_back(shard.files[0]);
}

TensorSet read_indexed(const fs::path& index) {
  const auto weight_map = read_weight_map(index);
  TensorSet whole{.origin = index.string()};
  for (const auto& shard : shards_of(weight_map, index)) {
    const auto file = index.parent_path() / shard;
    if (!fs::exists(file)) refuse(index, text("names the shard ", shard, ", which is not there"));
    merge(whole, read_tensor_file(file));
  }
  for (const auto& [tensor, shard] : weight_map.items()) {
    const auto found = whole.tensors.find(tensor);
    if (found == whole.tensors.end() ||
        found->second.file->path().filename() != shard.get_ref<const std::string&>()) {
      refuse(index,
             text("puts tensor ", tensor, " into ", shard.get<std::string>(), ", which lacks it"));
    }
  }
  return whole;
}

// Shards without an index must at least be complete by their own numbers.
void check_complete(const TensorFiles& set, const ShardName& shard) {
  if (shard.count == 0 || shard.count > kMaxShards) {
    refuse(set.files[0], text("is one of ", shard.count, " shards"));
  }
  if (set.files.size() == shard.count) return;
  refuse(set.files[0].parent_path(),
         text(set.files.size(), " of ", shard.count, " shards of ", shard.stem, " are there"));
}

// The header, a JSON object, comes behind its length of eight bytes.
bool looks_like_safetensors(std::span<const std::byte> bytes) {
  return bytes.size() > 8 && bytes[8] == std::byte{'{'};
}

}  // namespace

TensorSet read_tensor_file(const fs::path& path) {
  const auto file = std::make_shared<const base::MappedFile>(path);
  TensorSet set{.files = {path}, .origin = path.string()};
  if (looks_like_zip(file->bytes()) || looks_like_legacy_pth(file->bytes())) {
    set.tensors = read_pth(file);
    return set;
  }
  const auto extension = path.extension();
  if (extension == ".pth" || extension == ".pt") {
    refuse(path, "is neither a zip archive nor PyTorch's older form: cut off or damaged");
  }
  if (extension != kSafetensors && !looks_like_safetensors(file->bytes())) {
    refuse(path,
           "is no weights file: its first bytes are neither those of safetensors nor of .pth");
  }
  auto content = read_safetensors(file);
  set.tensors = std::move(content.tensors);
  set.metadata = std::move(content.metadata);
  return set;
}

TensorSet read_tensor_set(const TensorFiles& files) {
  if (!files.index.empty()) return read_indexed(files.index);
  if (files.files.size() == 1 && !shard_name(files.files[0].filename().string())) {
    return read_tensor_file(files.files[0]);
  }
  check_complete(files, *shard_name(files.files[0].filename().string()));
  TensorSet whole{.origin = files.files[0].parent_path().string()};
  for (const auto& file : files.files) merge(whole, read_tensor_file(file));
  return whole;
}

std::vector<TensorFiles> find_tensor_sets(const fs::path& folder) {
  std::set<fs::path> files;  // in order of name
  for (const auto& entry : fs::directory_iterator(folder)) files.insert(entry.path());
  std::map<std::string, TensorFiles> sets;  // by stem
  for (const auto& file : files) {
    const auto name = file.filename().string();
    if (name.ends_with(kIndex)) sets[name.substr(0, name.size() - kIndex.size())].index = file;
  }
  for (const auto& file : files) {
    const auto name = file.filename().string();
    if (!name.ends_with(kSafetensors)) continue;
    const auto shard = shard_name(name);
    auto& set = sets[shard ? shard->stem : name.substr(0, name.size() - kSafetensors.size())];
    set.files.push_back(file);
  }
  for (const auto& file : files) {
    const auto extension = file.extension();
    if (extension != ".pth" && extension != ".pt") continue;
    auto& set = sets[file.stem().string()];
    if (set.files.empty()) set.files.push_back(file);
  }
  std::vector<TensorFiles> found;
  found.reserve(sets.size());
  for (auto& [stem, set] : sets) found.push_back(std::move(set));
  return found;
}

}  // namespace weights
