// SPDX-License-Identifier: Apache-2.0
#include "hub/cache.h"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "hub/download.h"
#include "objects/durable.h"

namespace hub {
namespace {

namespace fs = std::filesystem;
using base::Json;

constexpr int64_t kDayMs = 24LL * 3600 * 1000;
constexpr int64_t kStrayAfterMs = 7 * kDayMs;  // for what nobody went on with

// How a file looks from outside. Whoever writes to it changes the time of its change, which nobody
// can set.
Json look_of(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {{"bytes", status.st_size},
          {"inode", status.st_ino},
          {"changed", status.st_ctim.tv_sec * 1'000'000'000LL + status.st_ctim.tv_nsec}};
}

// What an entry's file says. Locking and linking a file change nothing of this but the time of its
// change, so that a changed look means: read it again.
struct Stored {
  CacheEntry entry;
  Json look;
  int64_t checked_ms = 0;
};

std::optional<Stored> read_entry(const fs::path& file) {
  try {
    const auto json = base::read_json(file, {.depth = 3, .bytes = 1 << 20});
    return Stored{.entry = {.file = json.at("file").get<std::string>(),
                            .sha256 = json.at("sha256").get<std::string>(),
                            .etag = json.at("etag").get<std::string>(),
                            .asked_ms = json.at("asked_ms").get<int64_t>(),
                            .link = json.at("link").get<std::string>(),
                            .is_ours = json.at("is_ours").get<bool>()},
                  .look = json.at("look"),
                  .checked_ms = json.at("checked_ms").get<int64_t>()};
  } catch (const std::exception&) {
    return std::nullopt;  // not there, or of a power cut
  }
}

void remove_quietly(const fs::path& file) {
  std::error_code ignored;
  if (!file.empty()) fs::remove(file, ignored);
}

int64_t used_ms(const fs::path& entry_file) {
  struct stat status {};
  if (::stat(entry_file.c_str(), &status) != 0) return 0;
  return status.st_mtim.tv_sec * 1000LL + status.st_mtim.tv_nsec / 1'000'000;
}

void set_used(const fs::path& entry_file, int64_t wall_ms) {
  const timespec time{.tv_sec = wall_ms / 1000, .tv_nsec = wall_ms % 1000 * 1'000'000};
  const timespec times[] = {time, time};
  ::utimensat(AT_FDCWD, entry_file.c_str(), times, 0);
}

uint64_t size_of(const fs::path& file) {
  std::error_code failed;
  const auto bytes = fs::file_size(file, failed);
  return failed ? 0 : bytes;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) files.push_back(entry.path());
  return files;
}

}  // namespace

FileCache::FileCache(fs::path folder, uint64_t max_bytes, base::Clock clock)
    : folder_(std::move(folder)), max_bytes_(max_bytes), clock_(std::move(clock)) {}

FileLock FileCache::lock(const std::string& key, const std::function<bool()>& goes_on) const {
  return FileLock::exclusive(folder_ / "locks" / (crypto::sha256_hex(key) + ".lock"), goes_on);
}

fs::path FileCache::entry_file(const std::string& key) const {
  return folder_ / "entries" / (crypto::sha256_hex(key) + ".json");
}

fs::path FileCache::partial(const std::string& key) const {
  return folder_ / "partial" / crypto::sha256_hex(key);
}

void FileCache::write(const std::string& key, const CacheEntry& entry, int64_t checked_ms) const {
  const auto file = entry_file(key);
  std::error_code ignored;
  fs::create_directories(file.parent_path(), ignored);
  // For who looks into the folder; a URL's query may be a secret.
  const Json json = {{"of", key.substr(0, key.find('?'))},
                     {"file", entry.file.string()},
                     {"sha256", entry.sha256},
                     {"etag", entry.etag},
                     {"asked_ms", entry.asked_ms},
                     {"link", entry.link.string()},
                     {"is_ours", entry.is_ours},
                     {"look", look_of(entry.file)},
                     {"checked_ms", checked_ms}};
  base::write_file(file, json.dump(-1, ' ', false, Json::error_handler_t::replace));
  set_used(file, clock_.wall());
}

std::optional<HeldEntry> FileCache::find(const std::string& key) const {
  auto stored = read_entry(entry_file(key));
  if (!stored) return std::nullopt;
  auto use = FileLock::shared(stored->entry.file);
  if (!use) {
    remove_quietly(entry_file(key));
    return std::nullopt;
  }
  const auto now = clock_.wall();
  if (stored->look != look_of(stored->entry.file) || now - stored->checked_ms > kDayMs) {
    if (sha256_of(stored->entry.file) != stored->entry.sha256) {
      drop(key);
      return std::nullopt;
    }
    write(key, stored->entry, now);
  }
  set_used(entry_file(key), now);
  return HeldEntry{std::move(stored->entry), std::move(*use)};
}

HeldEntry FileCache::put(const std::string& key, CacheEntry entry, const fs::path& content) const {
  const auto all = FileLock::exclusive(folder_ / "lock");
  if (!content.empty()) {
    entry.file = folder_ / "files" / (entry.sha256 + ".safetensors");
    // Whoever uses it under another key has a lock on the file that is there already.
    const bool is_there = fs::exists(entry.file) && sha256_of(entry.file) == entry.sha256;
    if (is_there) {
      remove_quietly(content);
    } else {
      objects::durable_publish(content, entry.file, folder_, objects::system_disk());
    }
  }
  auto use = FileLock::shared(entry.file);
  if (!use) throw base::Error(base::Fault::internal, "internal error", "a file has left the cache");
  entry.asked_ms = clock_.wall();
  write(key, entry, clock_.wall());
  make_room_except(entry_file(key));
  remove_strays();
  return {std::move(entry), std::move(*use)};
}

void FileCache::confirm(const std::string& key, CacheEntry& entry) const {
  const auto stored = read_entry(entry_file(key));
  entry.asked_ms = clock_.wall();
  if (stored) write(key, entry, stored->checked_ms);
}

void FileCache::drop(const std::string& key) const {
  if (const auto stored = read_entry(entry_file(key))) {
    remove_quietly(stored->entry.link);
    remove_quietly(stored->entry.file);
  }
  remove_quietly(entry_file(key));
}

void FileCache::make_room() const {
  const auto all = FileLock::exclusive(folder_ / "lock");
  make_room_except({});
}

// What follows is called with the lock of all.

void FileCache::make_room_except(const fs::path& kept) const {
  uint64_t total = 0;
  std::set<fs::path> counted;
  for (const auto& file : files_in(folder_ / "entries")) {
    const auto stored = read_entry(file);
    if (!stored || !stored->entry.is_ours || !counted.insert(stored->entry.file).second) continue;
    total += stored->look.is_object() ? stored->look.value("bytes", uint64_t{0}) : 0;
  }
  for (const auto& file : files_in(folder_ / "partial")) total += size_of(file);
  if (total > max_bytes_) total -= std::min(total, drop_partial(total - max_bytes_));
  if (total > max_bytes_) drop_entries(total - max_bytes_, kept);
}

// How much that made free.
uint64_t FileCache::drop_partial(uint64_t too_much) const {
  std::multimap<int64_t, fs::path> by_use;
  for (const auto& file : files_in(folder_ / "partial")) by_use.emplace(used_ms(file), file);
  uint64_t freed = 0;
  for (const auto& [when, file] : by_use) {
    if (freed >= too_much) break;
    const auto lock_file = folder_ / "locks" / (file.stem().string() + ".lock");
    const auto nobody_is_at_it = FileLock::exclusive_now(lock_file);
    if (!nobody_is_at_it && fs::exists(lock_file)) continue;
    freed += size_of(file);
    remove_quietly(file);
  }
  return freed;
}

uint64_t FileCache::drop_entries(uint64_t too_much, const fs::path& kept) const {
  std::multimap<int64_t, std::pair<fs::path, CacheEntry>> by_use;
  std::map<fs::path, int> references;
  for (const auto& file : files_in(folder_ / "entries")) {
    auto stored = read_entry(file);
    if (!stored || !stored->entry.is_ours) continue;
    ++references[stored->entry.file];
    by_use.emplace(used_ms(file), std::pair(file, std::move(stored->entry)));
  }
  uint64_t freed = 0;
  for (const auto& [when, found] : by_use) {
    if (freed >= too_much) break;
    const auto& [file, entry] = found;
    if (file == kept) continue;
    if (references[entry.file] == 1) {
      const auto nobody_uses_it = FileLock::exclusive_now(entry.file);
      if (!nobody_uses_it && fs::exists(entry.file)) continue;
      freed += size_of(entry.file);
      remove_quietly(entry.link);
      remove_quietly(entry.file);
    }
    --references[entry.file];
    remove_quietly(file);
  }
  return freed;
}

// What a process left that did not come to its end.
void FileCache::remove_strays() const {
  std::set<fs::path> known;
  for (const auto& file : files_in(folder_ / "entries")) {
    if (const auto stored = read_entry(file)) known.insert(stored->entry.file);
  }
  for (const auto& file : files_in(folder_ / "files")) {
    if (!known.contains(file) && FileLock::exclusive_now(file)) remove_quietly(file);
  }
  for (const auto& file : files_in(folder_ / "partial")) {
    if (clock_.wall() - used_ms(file) > kStrayAfterMs) remove_quietly(file);
  }
}

}  // namespace hub
