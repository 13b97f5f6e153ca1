// SPDX-License-Identifier: Apache-2.0
// HubCache of huggingface.h.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "hub/huggingface.h"
#include "objects/durable.h"

namespace hub {
namespace {

namespace fs = std::filesystem;

constexpr size_t kCommitDigits = 40;
constexpr size_t kSha256Digits = 64;

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

[[noreturn]] void throw_disk_error(std::string_view doing, const fs::path& path, int reason) {
  throw base::Error(reason == ENOSPC ? base::Fault::exhausted : base::Fault::internal,
                    "fetch_failed: the cache cannot be written",
                    base::text("cannot ", doing, ' ', path.string(), ": ", std::strerror(reason)));
}

// Of a branch or a tag; empty where it is not known.
std::string commit_of(const fs::path& repository, const std::string& revision) {
  if (is_hex(revision, kCommitDigits)) return revision;
  const auto file = repository / "refs" / revision;
  if (!fs::is_regular_file(file)) return {};
  auto commit = base::read_file(file, 4096);
  while (commit.ends_with('\n')) commit.pop_back();
  return is_hex(commit, kCommitDigits) ? commit : std::string();
}

RepositoryFile described(const fs::path& link, const fs::path& snapshot) {
  RepositoryFile file;
  file.path = link.lexically_relative(snapshot).string();
  file.bytes = fs::file_size(link);
  // Where the file system knows no links, the content is here itself and its blob has no name.
  file.blob = fs::is_symlink(link) ? fs::read_symlink(link).filename().string() : std::string();
  if (is_hex(file.blob, kSha256Digits)) file.sha256 = file.blob;
  return file;
}

}  // namespace

fs::path HubCache::folder_of(const std::string& repository) const {
  auto name = "models--" + repository;
  name.replace(name.find('/'), 1, "--");
  return folder_ / name;
}

std::optional<Listing> HubCache::list(const std::string& repository,
                                      const std::string& revision) const {
  Listing listing{.repository = repository, .revision = revision};
  std::error_code ignored;
  const auto folder = folder_of(repository);
  listing.commit = commit_of(folder, revision);
  const auto snapshot = folder / "snapshots" / listing.commit;
  if (listing.commit.empty() || !fs::is_directory(snapshot, ignored)) return std::nullopt;
  for (const auto& entry : fs::recursive_directory_iterator(snapshot)) {
    if (entry.is_regular_file(ignored)) listing.files.push_back(described(entry.path(), snapshot));
  }
  std::ranges::sort(listing.files, {}, &RepositoryFile::path);
  return listing;
}

fs::path HubCache::blob(const Listing& listing, const RepositoryFile& file) const {
  return folder_of(listing.repository) / "blobs" / file.blob;
}

fs::path HubCache::link(const Listing& listing, const RepositoryFile& file) const {
  return folder_of(listing.repository) / "snapshots" / listing.commit / file.path;
}

fs::path HubCache::lock(const Listing& listing, const RepositoryFile& file) const {
  return folder_ / ".locks" / folder_of(listing.repository).filename() / (file.blob + ".lock");
}

std::optional<fs::path> HubCache::find(const Listing& listing, const RepositoryFile& file) const {
  std::error_code failed;
  const auto name = link(listing, file);
  const auto bytes = fs::file_size(name, failed);
  if (failed || bytes != file.bytes) return std::nullopt;
  return name;
}

fs::path HubCache::publish(const Listing& listing,
                           const RepositoryFile& file,
                           const fs::path& content) const {
  const auto name = link(listing, file);
  const auto target = blob(listing, file);
  std::error_code failed;
  fs::create_directories(name.parent_path(), failed);
  if (!failed && listing.revision != listing.commit) {
    const auto reference = folder_of(listing.repository) / "refs" / listing.revision;
    fs::create_directories(reference.parent_path(), failed);
    if (!failed) base::write_file(reference, listing.commit);
  }
  if (failed) throw_disk_error("make", name.parent_path(), failed.value());
  if (!content.empty()) {
    objects::durable_publish(content, target, target.parent_path(), objects::system_disk());
  }
  fs::remove(name, failed);
  fs::create_symlink(target.lexically_relative(name.parent_path()), name, failed);
  if (failed) throw_disk_error("link", name, failed.value());
  return name;
}

}  // namespace hub
