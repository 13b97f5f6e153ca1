// SPDX-License-Identifier: Apache-2.0
// From the path of a LoRA in a request to a file on this machine.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "http/egress.h"
#include "hub/civitai.h"
#include "hub/download.h"
#include "hub/huggingface.h"

namespace hub {

// Which files of this machine a path may name.
struct LocalFiles {
  bool everywhere = false;       // on the command line
  std::filesystem::path folder;  // else only those in here; empty: none
};

// The URLs under which this server gives out its own results and uploads. They are fetched without
// the wall, and without following anybody elsewhere.
struct OwnFiles {
  std::string url;                    // what they begin with, up to a '/'; empty: there are none
  std::filesystem::path unix_socket;  // connects there
};

struct FetchSettings {
  HuggingFaceSettings huggingface;
  CivitaiSettings civitai;
  LocalFiles local;
  OwnFiles own;
  // Between us and everything but our own files. None: on the command line, where the user is who
  // runs the program.
  std::optional<http::EgressPolicy> wall = http::EgressPolicy{.https_only = true};
  std::filesystem::path ca_file;  // in place of the system's certificates
  std::filesystem::path cache;    // shared by all processes that fetch for one server
  uint64_t cache_bytes = 64ull << 30;
  uint64_t max_bytes = 4ull << 30;  // of one file
  Patience patience = {.total_time = std::chrono::minutes(30)};
  base::Clock clock = base::system_clock();
};

// ZOETROPE_CACHE, or else zoetrope in the user's cache folder.
std::filesystem::path cache_folder();

struct FetchedFile {
  std::filesystem::path path;  // a whole safetensors file
  std::string sha256;          // empty for a file of this machine
  // As long as this lives, the file is not removed to make room.
  std::shared_ptr<const void> use;
};

// Usable from several threads at once; several processes may share a cache.
class Fetcher {
 public:
  explicit Fetcher(FetchSettings settings);
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;
  ~Fetcher();

  // See parse_reference() for what a path can be. What is here already is not fetched again; two
  // who want the same file fetch it once. The progress is that of the download, (0, 0) while
  // something else is waited for. Throws base::Error with a code of errors.h first in its message,
  // which never tells of this machine's folders or network, and base::Cancelled.
  FetchedFile fetch(const std::string& path, const ByteProgress& progress = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Throws Error(invalid) "lora_file_invalid: …", which calls the file `shown`, where it is no whole
// safetensors file; what it is instead is said as far as it can be told.
void check_safetensors(const std::filesystem::path& file, const std::string& shown);

}  // namespace hub
