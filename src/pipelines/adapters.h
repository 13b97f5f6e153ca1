// SPDX-License-Identifier: Apache-2.0
// The adapters of a job: from files and scales to what each network gets.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "lora/adapter_set.h"
#include "specs/specs.h"
#include "weights/checkpoint.h"

namespace pipelines {

struct AdapterFile {
  std::filesystem::path file;
  double scale = 1;
};

// What is asked for, each list in the order in which it was given.
struct AdapterFiles {
  std::vector<AdapterFile> all;  // for every network of the model
  std::vector<AdapterFile> high_noise, low_noise;

  bool empty() const { return all.empty() && high_noise.empty() && low_noise.empty(); }
};

struct Adapters {
  lora::AdapterSet high_noise;  // of the only network where there is one
  lora::AdapterSet low_noise;
  std::vector<std::string> warnings;  // for whoever asked for them
};

// How many numbers of the networks these adapters change: what merging takes beside the base.
int64_t changed_values(const Adapters& adapters, const specs::DitSpec& spec);

// Reads each file once. What is wrong is added to `complaints`, one for each file, beginning with
// "loras", "high_noise_loras" or "low_noise_loras". A single network takes `all` alone.
Adapters read_adapters(const weights::Checkpoint& checkpoint,
                       const AdapterFiles& files,
                       std::vector<std::string>& complaints);

}  // namespace pipelines
