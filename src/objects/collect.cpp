// SPDX-License-Identifier: Apache-2.0
// Removing what nobody waits for any more.
#include <charconv>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "objects/label.h"
#include "objects/store.h"

namespace objects {
namespace {

namespace fs = std::filesystem;

// Names read at once, because they are about to be removed; none where there is no such folder.
std::vector<fs::path> children(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) found.push_back(entry.path());
  return found;
}

// Milliseconds of wall time of the last change; the present where the file has gone meanwhile.
int64_t changed(const fs::path& path, int64_t now) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return now;
  return int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000;
}

// Counts what it removes.
bool remove(const fs::path& file, Collected& collected) {
  std::error_code problem;
  const auto bytes = fs::file_size(file, problem);
  if (::unlink(file.c_str()) != 0) return false;
  if (!problem) collected.bytes += bytes;
  return true;
}

// Fails, as it should, unless the folder is empty.
void remove_if_empty(const fs::path& folder) {
  ::rmdir(folder.c_str());
}

int as_attempt(const std::string& folder) {
  int attempt = 0;
  std::from_chars(folder.data(), folder.data() + folder.size(), attempt);
  return attempt;
}

void collect_results(const fs::path& out,
                     int64_t now,
                     int64_t grace,
                     const std::function<bool(const ResultName&)>& is_referenced,
                     Collected& collected) {
  for (const auto& task : children(out)) {
    for (const auto& attempt : children(task)) {
      for (const auto& file : children(attempt)) {
        const ResultName name{.task = task.filename(),
                              .attempt = as_attempt(attempt.filename()),
                              .name = file.filename()};
        if (now - changed(file, now) < grace || is_referenced(name)) continue;
        collected.results += remove(file, collected);
      }
      remove_if_empty(attempt);
    }
    remove_if_empty(task);
  }
}

// When an upload may go: at the time that was promised; without a description, or with one that
// cannot be read, the grace after its last change.
int64_t expiry(const fs::path& upload, int64_t now, int64_t grace) {
  try {
    return base::read_json(upload / kAboutUpload).at("expires");
  } catch (const std::exception&) {
    return changed(upload, now) + grace;
  }
}

// The description goes first: with it goes the upload.
void remove_upload(const fs::path& upload, Collected& collected) {
  collected.uploads += remove(upload / kAboutUpload, collected);
  for (const auto& file : children(upload)) remove(file, collected);
  remove_if_empty(upload);
}

void collect_uploads(const fs::path& uploads, int64_t now, int64_t grace, Collected& collected) {
  for (const auto& tenant : children(uploads)) {
    for (const auto& upload : children(tenant)) {
      if (now >= expiry(upload, now, grace)) remove_upload(upload, collected);
    }
    remove_if_empty(tenant);
  }
}

}  // namespace

void Store::remove_results(const std::string& task) {
  check_path_part(task, "task");
  std::error_code problem;
  fs::remove_all(options_.folder / "out" / task, problem);
}

Collected Store::collect(const std::function<bool(const ResultName&)>& is_referenced) {
  const auto now = clock_.wall();
  const int64_t grace = std::chrono::milliseconds(options_.grace).count();
  Collected collected;
  collect_results(options_.folder / "out", now, grace, is_referenced, collected);
  collect_uploads(options_.folder / "uploads", now, grace, collected);
  for (const auto& file : children(incoming())) {
    if (now - changed(file, now) >= grace) collected.temporaries += remove(file, collected);
  }
  return collected;
}

}  // namespace objects
