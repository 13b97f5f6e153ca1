// SPDX-License-Identifier: Apache-2.0
// The Hugging Face hub: what a repository holds, and its files in the cache that huggingface_hub
// shares with us.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "http/client.h"
#include "hub/download.h"
#include "hub/reference.h"

namespace hub {

struct HuggingFaceSettings {
  std::string endpoint = "https://huggingface.co";
  std::string token;            // empty: none
  std::filesystem::path cache;  // ~/.cache/huggingface/hub
  bool is_offline = false;      // asks nobody; what is in the cache can be had
};

// As huggingface_hub reads them: HF_ENDPOINT, HF_TOKEN (or the token that `hf auth login` left),
// HF_HUB_CACHE, HF_HOME, HF_HUB_OFFLINE.
HuggingFaceSettings huggingface_settings();

// A file of a repository at one commit.
struct RepositoryFile {
  std::string path;
  uint64_t bytes = 0;
  std::string sha256;  // of a large file; empty for those that Git itself keeps
  std::string blob;    // its name in the cache: the SHA-256, or Git's name for the content
};

struct Listing {
  std::string repository;
  std::string revision;  // that was asked for
  std::string commit;    // that it is
  std::vector<RepositoryFile> files;
};

// The file that a path in the repository means: itself, the only .safetensors in that folder, or,
// where there is no path, the only one of the repository. Throws Error with lora_not_found,
// lora_ambiguous (which lists them) or lora_file_invalid (where there are pickles only).
const RepositoryFile& choose_file(const Listing& listing, const std::string& path);

// Whether its name says that a file is one of those that execute what is in them.
bool is_called_a_pickle(std::string_view path);

// The cache's layout (https://huggingface.co/docs/hub/local-cache): blobs/ has the contents,
// snapshots/COMMIT/ links with the files' names, refs/ the commits of branches and tags.
class HubCache {
 public:
  explicit HubCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // What is here of a repository; nothing, where the revision is not known.
  std::optional<Listing> list(const std::string& repository, const std::string& revision) const;

  // The file under its name, where its content is here and as long as it should be.
  std::optional<std::filesystem::path> find(const Listing& listing,
                                            const RepositoryFile& file) const;

  std::filesystem::path blob(const Listing& listing, const RepositoryFile& file) const;
  std::filesystem::path link(const Listing& listing, const RepositoryFile& file) const;
  // That keeps huggingface_hub and us from fetching the same file at the same time.
  std::filesystem::path lock(const Listing& listing, const RepositoryFile& file) const;

  // Gives the file its name: the content, which is whole, becomes a blob with a link to it. An
  // empty `content`: the blob is there already. The link's path.
  std::filesystem::path publish(const Listing& listing,
                                const RepositoryFile& file,
                                const std::filesystem::path& content) const;

 private:
  std::filesystem::path folder_of(const std::string& repository) const;
  std::filesystem::path folder_;
};

class HuggingFace {
 public:
  HuggingFace(http::Client& client, HuggingFaceSettings settings, Patience patience);

  const HuggingFaceSettings& settings() const { return settings_; }
  const HubCache& cache() const { return cache_; }

  // What the hub says a repository holds, or, where it does not answer or is not to be asked, what
  // the cache has of it. Throws base::Error with a code of errors.h, and base::Cancelled.
  Listing list(const std::string& repository,
               const std::string& revision,
               const std::function<bool()>& goes_on) const;

  // The same of the hub alone: also what is not in the cache, or an error.
  Listing list_online(const std::string& repository,
                      const std::string& revision,
                      const std::function<bool()>& goes_on) const;

  // How to fetch a file of a listing.
  Download download_of(const Listing& listing, const RepositoryFile& file) const;

  // The file in the cache, fetched where it is not there. What `check` throws of a fetched file
  // keeps it out of the cache. `limits` are those of the download: max_bytes, connections,
  // progress. It comes as `partial`, on the disk of the cache; empty: beside its place there.
  std::filesystem::path fetch(const Listing& listing,
                              const RepositoryFile& file,
                              const Download& limits,
                              const std::function<void(const std::filesystem::path&)>& check,
                              const std::filesystem::path& partial = {}) const;

 private:
  Listing ask(const std::string& repository,
              const std::string& revision,
              const Patience& patience,
              const std::function<bool()>& goes_on) const;
  Place place_of(const std::string& what) const;
  http::Fields headers() const;

  http::Client& client_;
  HuggingFaceSettings settings_;
  Patience patience_;
  HubCache cache_;
};

}  // namespace hub
