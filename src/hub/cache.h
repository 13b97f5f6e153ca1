// SPDX-License-Identifier: Apache-2.0
// What was fetched for requests: files that several processes use, that are known by their content
// and go when room is needed, the longest unused first.
//
//   FOLDER/files/SHA256.safetensors   contents
//   FOLDER/entries/KEY.json           where something is, how it looked when it was last checked;
//                                     the file's time is that of the last use
//   FOLDER/locks/KEY.lock             one process at a time fetches one thing
//   FOLDER/partial/KEY                what has not come whole yet, and its note
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "hub/file_lock.h"

namespace hub {

struct CacheEntry {
  std::filesystem::path file;
  std::string sha256;
  std::string etag;      // of the place that it came from; empty: it has none
  int64_t asked_ms = 0;  // wall time when that place was last asked

  // A link to the file that goes with it; empty: there is none.
  std::filesystem::path link;
  // Fetched by us: counts, and goes when room is needed. Others' files are only remembered.
  bool is_ours = true;
};

// A file that is not removed as long as this lives.
struct HeldEntry {
  CacheEntry entry;
  FileLock use;
};

class FileCache {
 public:
  // The folder is made when it is needed.
  FileCache(std::filesystem::path folder, uint64_t max_bytes, base::Clock clock);

  // Waits until no other process or thread is at this key.
  FileLock lock(const std::string& key, const std::function<bool()>& goes_on) const;

  // The entry, where its file is there and unchanged; what is not so is removed. Call with the
  // lock. A file that looks as it did when it was last checked is read again once a day.
  std::optional<HeldEntry> find(const std::string& key) const;

  // Where the content for a key is written.
  std::filesystem::path partial(const std::string& key) const;

  // Keeps the entry, and makes room. With `content`, that file becomes entry.file, which is chosen
  // by its SHA-256. Call with the lock.
  HeldEntry put(const std::string& key,
                CacheEntry entry,
                const std::filesystem::path& content = {}) const;

  // Notes that the entry's place was asked, and that it is still the same.
  void confirm(const std::string& key, CacheEntry& entry) const;

  // The file is worth nothing: removes it and the entry.
  void drop(const std::string& key) const;

  // Removes what is too much: what nobody went on with, then what is longest unused, and never what
  // is in use. put() does so too; call it before something large is fetched.
  void make_room() const;

 private:
  std::filesystem::path entry_file(const std::string& key) const;
  void write(const std::string& key, const CacheEntry& entry, int64_t checked_ms) const;
  uint64_t drop_partial(uint64_t too_much) const;
  uint64_t drop_entries(uint64_t too_much, const std::filesystem::path& kept) const;
  void make_room_except(const std::filesystem::path& kept) const;
  void remove_strays() const;

  std::filesystem::path folder_;
  uint64_t max_bytes_;
  base::Clock clock_;
};

}  // namespace hub
