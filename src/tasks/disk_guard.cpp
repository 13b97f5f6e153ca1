// SPDX-License-Identifier: Apache-2.0
#include "tasks/disk_guard.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/machine.h"
#include "base/text.h"
#include "tasks/task.h"

namespace tasks {
namespace {

using base::Error;
using base::Fault;
using base::text;

constexpr std::array<long, 7> kNetworkFileSystems = {NFS_SUPER_MAGIC,
                                                     SMB_SUPER_MAGIC,
                                                     SMB2_SUPER_MAGIC,
                                                     CIFS_SUPER_MAGIC,
                                                     AFS_SUPER_MAGIC,
                                                     CODA_SUPER_MAGIC,
                                                     V9FS_MAGIC};

void refuse_network_file_system(const std::filesystem::path& folder) {
  struct statfs status {};
  if (::statfs(folder.c_str(), &status) != 0) {
    throw Error(Fault::invalid, text(folder.string(), ": ", std::strerror(errno)));
  }
  if (std::ranges::find(kNetworkFileSystems, static_cast<long>(status.f_type)) !=
      kNetworkFileSystems.end()) {
    throw Error(Fault::invalid,
                text(folder.string(),
                     ": a database on a network file system can be damaged; put it on a local "
                     "disk, or use PostgreSQL"));
  }
}

std::filesystem::path beside(const std::filesystem::path& database, const char* suffix) {
  auto file = database;
  file += suffix;
  return file;
}

}  // namespace

ServerLock::ServerLock(const std::filesystem::path& database) {
  refuse_network_file_system(database.parent_path());
  const auto file = beside(database, ".lock");
  descriptor_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) {
    throw Error(Fault::invalid, text(file.string(), ": ", std::strerror(errno)));
  }
  // Bound to the open file and not to the process, so that another thread's close does not end it.
  struct flock whole_file {};
  whole_file.l_type = F_WRLCK;
  if (::fcntl(descriptor_, F_OFD_SETLK, &whole_file) != 0) {
    ::close(descriptor_);
    throw Error(Fault::conflict, text(database.string(), ": another server has it open"));
  }
}

ServerLock::~ServerLock() {
  ::close(descriptor_);
}

Ballast::Ballast(const std::filesystem::path& database, int64_t bytes, int64_t floor)
    : file_(beside(database, ".ballast")), bytes_(bytes), floor_(floor) {
  std::error_code ignored;
  is_there_ = static_cast<int64_t>(std::filesystem::file_size(file_, ignored)) == bytes_;
  restore();
}

bool Ballast::release() {
  const std::scoped_lock lock(mutex_);
  is_there_ = false;
  return ::unlink(file_.c_str()) == 0;
}

void Ballast::restore() {
  const std::scoped_lock lock(mutex_);
  if (is_there_ || !has_room(bytes_ + floor_)) return;
  const int descriptor = ::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return;
  is_there_ = bytes_ == 0 || ::posix_fallocate(descriptor, 0, bytes_) == 0;
  ::close(descriptor);
  if (!is_there_) ::unlink(file_.c_str());
}

bool Ballast::is_there() const {
  const std::scoped_lock lock(mutex_);
  return is_there_;
}

void Ballast::check_room() const {
  const std::scoped_lock lock(mutex_);
  if (is_there_ && has_room(floor_)) return;
  throw LimitReached(LimitReached::Limit::disk, "the server's disk is full");
}

bool Ballast::has_room(int64_t bytes) const {
  return bytes == 0 || static_cast<int64_t>(base::free_disk(file_)) >= bytes;
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool is_synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!is_synced) {
    throw Error(Fault::internal,
                "internal error",
                text(folder.string(), ": cannot sync: ", std::strerror(reason)));
  }
}

}  // namespace tasks
