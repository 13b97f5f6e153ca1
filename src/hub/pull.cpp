// SPDX-License-Identifier: Apache-2.0
#include "hub/pull.h"

#include <algorithm>
#include <system_error>

#include <sys/stat.h>

#include "base/bytes.h"
#include "base/machine.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "hub/file_lock.h"
#include "objects/durable.h"

namespace hub {
namespace {

namespace fs = std::filesystem;
using base::Error;
using base::Fault;
using base::text;

constexpr size_t kMaxSmallFile = 64 << 20;  // Git's own; larger ones are in LFS

bool has_size(const fs::path& file, uint64_t bytes) {
  std::error_code failed;
  const auto size = fs::file_size(file, failed);
  return !failed && size == bytes;
}

fs::path partial_of(const fs::path& file) {
  return file.string() + ".partial";
}

// Without the holes that chunks leave which are still to come.
uint64_t bytes_on_disk(const fs::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return 0;
  return static_cast<uint64_t>(status.st_blocks) * 512;
}

// The same name for the same contents only: what was gathered of another version is of no use.
fs::path gathering_place(const PullPlan& plan) {
  std::string contents;
  for (const auto& planned : plan.files) contents += planned.to + ' ' + planned.file.blob + '\n';
  return plan.folder.parent_path() / text('.',
                                          plan.folder.filename().string(),
                                          '.',
                                          crypto::sha256_hex(contents).substr(0, 12),
                                          ".partial");
}

void forget_other_versions(const PullPlan& plan) {
  const auto beginning = "." + plan.folder.filename().string() + ".";
  std::error_code ignored;
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(plan.folder.parent_path(), ignored)) {
    const auto name = entry.path().filename().string();
    const bool is_gathering = name.starts_with(beginning) && name.ends_with(".partial");
    // "wan.x" is no version of "wan".
    const bool is_ours = name.size() == beginning.size() + 12 + std::string_view(".partial").size();
    if (is_gathering && is_ours && entry.path() != plan.gathering) others.push_back(entry.path());
  }
  for (const auto& other : others) fs::remove_all(other, ignored);
}

bool is_whole(const fs::path& file, const RepositoryFile& expected, const ByteProgress& progress) {
  if (!expected.sha256.empty()) return sha256_of(file, progress) == expected.sha256;
  return crypto::git_blob_id(base::read_file(file, kMaxSmallFile)) == expected.blob;
}

// What a model is recognised by comes last.
bool goes_last(const PlannedFile& planned) {
  return planned.to.ends_with(".json");
}

// Gives what was gathered its name. Where the folder is there, with some of the files, the others
// join them: a model is not taken for whole before its last tensor is there.
void give_name(const PullPlan& plan) {
  const auto disk = objects::system_disk();
  const auto above = plan.folder.parent_path();
  if (!fs::exists(plan.folder)) {
    fs::rename(plan.gathering, plan.folder);
    objects::sync_folder(above, disk);
    return;
  }
  for (const bool is_last : {false, true}) {
    for (const auto& planned : plan.files) {
      const auto from = plan.gathering / planned.to;
      if (goes_last(planned) != is_last || !fs::exists(from)) continue;
      objects::durable_publish(from, plan.folder / planned.to, plan.folder, disk);
    }
  }
  std::error_code ignored;
  fs::remove_all(plan.gathering, ignored);
}

}  // namespace

Puller::Puller(PullSettings settings)
    : settings_(std::move(settings)),
      client_({.ca_file = settings_.ca_file}),
      huggingface_(client_, settings_.huggingface, settings_.patience) {}

PullPlan Puller::plan(const Offer& offer, const std::function<bool()>& goes_on) {
  PullPlan plan{.name = std::string(offer.name)};
  const auto above = offer.layout == Layout::adapter ? settings_.adapters : settings_.models;
  plan.folder = above / offer.folder();
  std::map<std::string, std::shared_ptr<const Listing>> listings;
  const auto listing_of = [&](std::string_view repository) {
    auto& listing = listings[std::string(repository)];
    if (!listing) {
      listing = std::make_shared<const Listing>(
          huggingface_.list_online(std::string(repository), "main", goes_on));
    }
    return listing;
  };
  if (!offer.repository.empty()) {
    const auto listing = listing_of(offer.repository);
    for (const auto& file : listing->files) {
      if (is_part_of_model(file.path)) plan.files.push_back({listing, file, file.path});
    }
  }
  for (const auto& file : offer.files) {
    const auto listing = listing_of(file.repository);
    plan.files.push_back(
        {listing, choose_file(*listing, std::string(file.path)), std::string(file.to)});
  }
  if (plan.files.empty()) {
    throw Error(Fault::not_found,
                text("lora_not_found: ", offer.repository, " holds nothing of a model"));
  }
  plan.gathering = gathering_place(plan);
  for (auto& planned : plan.files) {
    const auto bytes = planned.file.bytes;
    planned.is_here =
        has_size(plan.folder / planned.to, bytes) || has_size(plan.gathering / planned.to, bytes);
    planned.is_cached = has_size(huggingface_.cache().blob(*planned.listing, planned.file), bytes);
    plan.bytes += bytes;
    if (planned.is_here || planned.is_cached) continue;
    const auto begun = bytes_on_disk(partial_of(plan.gathering / planned.to));
    plan.bytes_to_fetch += bytes - std::min(bytes, begun);
  }
  plan.bytes_free = base::free_disk(plan.folder);
  return plan;
}

void Puller::run(const PullPlan& plan, const PullProgress& progress) {
  if (plan.bytes_to_fetch > plan.bytes_free) {
    throw Error(Fault::exhausted,
                text("fetch_failed: ",
                     plan.name,
                     " needs ",
                     base::human_bytes(plan.bytes_to_fetch),
                     " in ",
                     plan.folder.parent_path().string(),
                     ", where ",
                     base::human_bytes(plan.bytes_free),
                     " are free"));
  }
  const auto lock_file =
      plan.folder.parent_path() / ("." + plan.folder.filename().string() + ".lock");
  const auto lock = FileLock::exclusive(lock_file, [&]() -> bool {
    throw Error(Fault::conflict,
                text("fetch_failed: another process is pulling ", plan.name, " at this moment"));
  });
  forget_other_versions(plan);
  uint64_t before = 0;
  for (const auto& planned : plan.files) {
    const auto bytes = planned.file.bytes;
    const auto tell = [&](uint64_t done, uint64_t) {
      return progress(planned.to, before + std::min(done, bytes), plan.bytes);
    };
    if (!tell(planned.is_here ? bytes : 0, bytes)) throw base::Cancelled();
    if (!planned.is_here) fetch(planned, plan.gathering, tell);
    before += bytes;
  }
  if (fs::exists(plan.gathering)) give_name(plan);
  fs::remove(lock_file);
}

void Puller::fetch(const PlannedFile& planned,
                   const fs::path& gathering,
                   const ByteProgress& progress) {
  const auto to = gathering / planned.to;
  const auto partial = partial_of(to);
  fs::create_directories(to.parent_path());
  if (!planned.is_cached || !take_from_cache(planned, partial, progress)) {
    auto what = huggingface_.download_of(*planned.listing, planned.file);
    what.connections = settings_.connections;
    what.progress = progress;
    download(client_, what, partial);
    if (planned.file.sha256.empty() && !is_whole(partial, planned.file, {})) {
      fs::remove(partial);
      throw Error(Fault::upstream, text("fetch_failed: ", what.place.what, ": is damaged"));
    }
  }
  objects::durable_publish(partial, to, gathering, objects::system_disk());
}

// As another name of the same file where that is possible, else as a copy. False, where what is in
// the cache is damaged.
bool Puller::take_from_cache(const PlannedFile& planned,
                             const fs::path& to,
                             const ByteProgress& progress) const {
  const auto blob = huggingface_.cache().blob(*planned.listing, planned.file);
  if (!is_whole(blob, planned.file, progress)) return false;
  std::error_code failed;
  fs::remove(to, failed);
  fs::create_hard_link(blob, to, failed);
  if (!failed) return true;
  fs::copy_file(blob, to, fs::copy_options::overwrite_existing, failed);
  if (failed) {
    throw Error(Fault::exhausted,
                text("fetch_failed: cannot copy ", blob.string(), ": ", failed.message()));
  }
  return true;
}

fs::path Puller::pull_file(const RepositoryReference& reference, const PullProgress& progress) {
  const auto goes_on = [&] { return progress(reference.path, 0, 0); };
  const auto listing = huggingface_.list(reference.repository, reference.revision, goes_on);
  const auto& file = choose_file(listing, reference.path);
  Download limits;
  limits.connections = settings_.connections;
  limits.progress = [&](uint64_t done, uint64_t total) { return progress(file.path, done, total); };
  return huggingface_.fetch(listing, file, limits, {});
}

}  // namespace hub
