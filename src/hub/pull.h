// SPDX-License-Identifier: Apache-2.0
// Fetching a model or an adapter to where it is found by its name: all of it or nothing that could
// be taken for it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "http/client.h"
#include "hub/huggingface.h"
#include "hub/offers.h"

namespace hub {

struct PullSettings {
  HuggingFaceSettings huggingface;
  std::filesystem::path ca_file;   // in place of the system's certificates
  std::filesystem::path models;    // where models are found by name
  std::filesystem::path adapters;  // and LoRAs
  int connections = 4;
  Patience patience;
};

// Of everything that a pull brings. Is told the file that is at hand; false ends the work with
// base::Cancelled, and the next pull goes on from there.
using PullProgress = std::function<bool(const std::string& file, uint64_t done, uint64_t total)>;

struct PlannedFile {
  std::shared_ptr<const Listing> listing;
  RepositoryFile file;
  std::string to;          // below the plan's folder
  bool is_here = false;    // in the folder, or whole where it is gathered
  bool is_cached = false;  // in huggingface_hub's cache
};

struct PullPlan {
  std::string name;
  std::filesystem::path folder;     // that there will be
  std::filesystem::path gathering;  // the hidden folder where files come together before
  std::vector<PlannedFile> files;
  uint64_t bytes = 0;  // of all files
  uint64_t bytes_to_fetch = 0;
  uint64_t bytes_free = 0;  // on the disk of the folder
};

// Throws base::Error with a code of errors.h first in its message, and base::Cancelled.
class Puller {
 public:
  explicit Puller(PullSettings settings);

  // Asks the hub what there is to fetch.
  PullPlan plan(const Offer& offer, const std::function<bool()>& goes_on);

  // Brings the files, each checked against the hub's SHA-256, and gives the folder its name.
  // Throws Error(conflict) where another process is at it and Error(exhausted) where there is not
  // enough room.
  void run(const PullPlan& plan, const PullProgress& progress);

  // One file of any repository, into huggingface_hub's cache; its path there.
  std::filesystem::path pull_file(const RepositoryReference& reference,
                                  const PullProgress& progress);

 private:
  bool take_from_cache(const PlannedFile& planned,
                       const std::filesystem::path& to,
                       const ByteProgress& progress) const;
  void fetch(const PlannedFile& planned,
             const std::filesystem::path& gathering,
             const ByteProgress& progress);

  PullSettings settings_;
  http::Client client_;
  HuggingFace huggingface_;
};

}  // namespace hub
