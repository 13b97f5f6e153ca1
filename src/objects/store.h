// SPDX-License-Identifier: Apache-2.0
// The files of the service: results that tasks are promised with, and what callers upload.
//
//   tmp/<random>                             on their way in; emptied when the server starts
//   out/<task>/<attempt>/<name>              results
//   uploads/<tenant>/<id>/<sha256>.png       what was uploaded, beside about.json
//
// This is the only place that knows where files lie: a store in S3 takes the place of what is
// behind these functions, where durable_publish() becomes a PUT and File a link to be followed.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "objects/durable.h"
#include "objects/writer.h"

namespace objects {

struct Options {
  std::filesystem::path folder;
  // Bytes that submits and uploads leave free on the disk; nothing: default_floor() of its size.
  std::optional<uint64_t> floor;
  std::chrono::hours upload_retention{7 * 24};
  // How long an unreferenced file is left alone: longer than anybody takes to reference it.
  std::chrono::hours grace{24};
};

// One file of one attempt, so that two attempts never meet under a name.
struct ResultName {
  std::string task;
  int attempt = 0;
  std::string name;  // "video.mp4"
};

// A file to be sent. Opened, it can be read to its end even if it is collected meanwhile.
struct File {
  std::filesystem::path path;
  uint64_t bytes = 0;
};

struct Upload {
  std::string id;
  std::string tenant;      // tenant_hash() of whose it is
  std::string name;        // what its owner calls it; a label
  std::string media_type;  // by its first bytes
  Content content;
  int64_t created = 0;  // milliseconds of wall time
  int64_t expires = 0;
  std::filesystem::path path;
};

struct Collected {
  int results = 0, uploads = 0, temporaries = 0;
  uint64_t bytes = 0;
};

// Safe to use from several threads. Disk calls block.
//
// Messages of errors name no path, but for the constructor's. Error(exhausted) is a full disk. Once
// a sync has failed otherwise, has_failed() is true and nothing is published any more: the process
// has to end (exit code 70) and be started again, see durable_publish().
class Store {
 public:
  // Makes the folders (0700) and empties tmp/. Throws Error(conflict) where another process keeps
  // its files there, Error(invalid) where the folder cannot be used; both name it.
  explicit Store(Options options, base::Clock clock, Disk disk = system_disk());
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();

  // ── files in ──
  // Bytes that may be taken before the floor is reached; 0: submits and uploads are to be refused.
  // What was accepted before may still write.
  uint64_t room_left() const;
  // Bytes of the disk that are to stay free.
  uint64_t floor() const;

  // The folder to receive files in. Who receives them removes those that are not published.
  std::filesystem::path incoming() const { return options_.folder / "tmp"; }
  // A file in it that removes itself.
  std::unique_ptr<Writer> begin(uint64_t max_bytes) const;

  // Gives the file its name, durably; it is gone from incoming() then. Repeated with the same name
  // the newer file takes the older one's place. Throws Error(invalid) for names that are none.
  void publish_result(const Received& received, const ResultName& name);

  // An id that nobody can guess, for an upload that is to come.
  static std::string new_upload_id(std::string_view tenant);
  // `name` is what the sender calls it. Throws Error(conflict) where the id has been used,
  // Error(not_found) where it is none.
  Upload publish_upload(const Received& received, const std::string& id, std::string_view name);

  // ── files out ──
  // Throw Error(not_found), for an expired upload too, and Error(invalid) for names that are none.
  File open_result(const ResultName& name) const;
  Upload find_upload(const std::string& id) const;

  // ── care ──
  // Of all attempts, at once. No error where there are none.
  void remove_results(const std::string& task);

  // Removes results that `is_referenced` denies, once older than the grace; uploads that have
  // expired; and what was left behind in tmp/ and by uploads that broke off. What a running attempt
  // has published counts as referenced. Call from one thread at a time.
  Collected collect(const std::function<bool(const ResultName&)>& is_referenced);

  bool has_failed() const { return has_failed_; }

 private:
  void publish(const std::filesystem::path& temporary,
               const std::filesystem::path& file,
               const std::filesystem::path& root);
  int note_failure(int sync_result);
  std::filesystem::path folder_of(const std::string& upload_id) const;

  Options options_;
  base::Clock clock_;
  Disk disk_;
  int lock_ = -1;
  std::atomic<bool> has_failed_ = false;
};

// The description of an upload, beside it.
inline constexpr std::string_view kAboutUpload = "about.json";

// The folder of a tenant's uploads: 16 hex digits.
std::string tenant_hash(std::string_view tenant);

// A twentieth of the disk, 10 GB at least, but never more than a tenth of it.
uint64_t default_floor(uint64_t disk_bytes);

}  // namespace objects
