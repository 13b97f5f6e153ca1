// SPDX-License-Identifier: Apache-2.0
#include "pipelines/adapters.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "weights/inventory.h"

namespace pipelines {
namespace {

using base::text;
using lora::Hint;

class Reader {
 public:
  Reader(const weights::Checkpoint& checkpoint, std::vector<std::string>& complaints)
      : checkpoint_(checkpoint), complaints_(complaints) {}

  void read_for_all(const std::vector<AdapterFile>& files) {
    for (const auto& asked : files) {
      const auto adapter = read(asked, "loras");
      if (!adapter) continue;
      adapters_.high_noise.push_back({adapter, asked.scale});
      if (!has_experts()) continue;
      adapters_.low_noise.push_back({adapter, asked.scale});
      if (adapter->hint != Hint::none) {
        warn(asked,
             text("seems made for the ", name_of(adapter->hint), " expert, and goes to both"));
      }
    }
  }

  void read_for(Hint expert, const std::vector<AdapterFile>& files) {
    const auto field = text(expert == Hint::high_noise ? "high" : "low", "_noise_loras");
    if (!files.empty() && !has_experts()) {
      complaints_.push_back(field + ": this model has one network; its adapters are `loras`");
      return;
    }
    auto& set = expert == Hint::high_noise ? adapters_.high_noise : adapters_.low_noise;
    for (const auto& asked : files) {
      const auto adapter = read(asked, field);
      if (!adapter) continue;
      set.push_back({adapter, asked.scale});
      if (adapter->hint != Hint::none && adapter->hint != expert) {
        warn(asked, text("seems made for the other expert, ", name_of(adapter->hint)));
      }
    }
  }

  Adapters take() {
    for (const auto& [file, adapter] : read_) {
      auto lines = adapter->warnings();
      std::ranges::move(lines, std::back_inserter(adapters_.warnings));
    }
    return std::move(adapters_);
  }

 private:
  using Shared = std::shared_ptr<const lora::Adapter>;

  bool has_experts() const { return checkpoint_.dit_low.has_value(); }

  static std::string_view name_of(Hint hint) {
    return hint == Hint::high_noise ? "high-noise" : "low-noise";
  }

  void warn(const AdapterFile& asked, const std::string& what) {
    adapters_.warnings.push_back(text(asked.file.filename().string(), ": ", what));
  }

  // Both experts have the same weights to change, so that one reading does.
  Shared read(const AdapterFile& asked, const std::string& field) {
    const auto known = read_.find(asked.file);
    if (known != read_.end()) return known->second;
    try {
      return read_[asked.file] = lora::read_adapter(asked.file, checkpoint_.dit->spec);
    } catch (const base::Error& error) {
      complaints_.push_back(text(field, ": ", error.what()));
      return nullptr;
    }
  }

  const weights::Checkpoint& checkpoint_;
  std::vector<std::string>& complaints_;
  std::map<std::filesystem::path, Shared> read_;
  Adapters adapters_;
};

}  // namespace

int64_t changed_values(const Adapters& adapters, const specs::DitSpec& spec) {
  int64_t values = 0;
  for (const auto* set : {&adapters.high_noise, &adapters.low_noise}) {
    for (const auto& tensor : weights::tensors_of(spec)) {
      const bool is_changed = std::ranges::any_of(*set, [&](const auto& scaled) {
        return scaled.scale != 0 && scaled.adapter->changes.contains(tensor.name);
      });
      if (is_changed) values += weights::count_parameters({&tensor, 1});
    }
  }
  return values;
}

Adapters read_adapters(const weights::Checkpoint& checkpoint,
                       const AdapterFiles& files,
                       std::vector<std::string>& complaints) {
  Reader reader(checkpoint, complaints);
  reader.read_for_all(files.all);
  reader.read_for(Hint::high_noise, files.high_noise);
  reader.read_for(Hint::low_noise, files.low_noise);
  return reader.take();
}

}  // namespace pipelines
