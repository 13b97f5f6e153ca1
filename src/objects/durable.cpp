// SPDX-License-Identifier: Apache-2.0
#include "objects/durable.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

namespace objects {
namespace {

namespace fs = std::filesystem;

// fsync looks after the file, not the descriptor, so one that reads will do.
void sync(const fs::path& path, int flags, const Disk& disk) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags);
  if (descriptor < 0) throw_disk_error("open", path);
  const bool is_synced = disk.sync(descriptor) == 0;
  const int reason = errno;
  ::close(descriptor);
  errno = reason;
  if (!is_synced) throw_disk_error("sync", path);
}

// Those that are there already are left alone.
void make_folders(const fs::path& folder, const fs::path& root) {
  if (folder == root) return;
  make_folders(folder.parent_path(), root);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) throw_disk_error("make", folder);
}

// An empty folder may be collected between its making and the renaming, so that both are tried
// again.
void rename_into_place(const fs::path& temporary,
                       const fs::path& file,
                       const fs::path& root,
                       const Disk& disk) {
  constexpr int kTries = 3;
  for (int i = 0; i < kTries; ++i) {
    make_folders(file.parent_path(), root);
    if (disk.rename(temporary.c_str(), file.c_str()) == 0) return;
    if (errno != ENOENT) break;
  }
  throw_disk_error("rename to", file);
}

}  // namespace

Disk system_disk() {
  return {.sync = ::fsync, .rename = std::rename};
}

void durable_publish(const fs::path& temporary,
                     const fs::path& file,
                     const fs::path& root,
                     const Disk& disk) {
  sync(temporary, 0, disk);
  rename_into_place(temporary, file, root, disk);
  // Those that were there before too: whoever made them may not have synced them yet.
  for (auto folder = file.parent_path(); folder != root; folder = folder.parent_path()) {
    sync_folder(folder, disk);
  }
  sync_folder(root, disk);
}

void sync_folder(const fs::path& folder, const Disk& disk) {
  sync(folder, O_DIRECTORY, disk);
}

void throw_disk_error(std::string_view doing, const fs::path& path) {
  const int reason = errno;
  const auto detail = base::text("cannot ", doing, " ", path.string(), ": ", std::strerror(reason));
  if (reason == ENOSPC || reason == EDQUOT) {
    throw base::Error(base::Fault::exhausted, "the server's disk is full", detail);
  }
  throw base::Error(base::Fault::internal, "internal error", detail);
}

}  // namespace objects
