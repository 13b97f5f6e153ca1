// SPDX-License-Identifier: Apache-2.0
#include "hub/file_lock.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

namespace hub {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLookEvery{50};

// Whether the name still means the file that is open: some remove lock files after use.
bool is_same_file(int descriptor, const fs::path& file) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor, &opened) == 0 && ::stat(file.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

std::optional<FileLock> FileLock::take(const fs::path& file, int flags, int operation) {
  const bool is_lock_file = (flags & O_CREAT) != 0;
  FileLock lock(::open(file.c_str(), flags | O_CLOEXEC, 0644));
  const bool is_open = lock.descriptor_ >= 0;
  const bool is_locked = is_open && ::flock(lock.descriptor_, operation | LOCK_NB) == 0;
  const int reason = errno;
  // On a disk that knows no locks, as some of networks, there is nobody to keep out.
  const bool is_without = is_open && !is_locked && (reason == ENOSYS || reason == EOPNOTSUPP);
  if ((is_locked || is_without) && is_same_file(lock.descriptor_, file)) return lock;
  if (is_lock_file && !is_locked && !is_without && reason != EWOULDBLOCK && reason != EINTR) {
    throw base::Error(base::Fault::internal,
                      "internal error",
                      base::text("cannot lock ", file.string(), ": ", std::strerror(reason)));
  }
  return std::nullopt;
}

FileLock FileLock::exclusive(const fs::path& file, const std::function<bool()>& goes_on) {
  std::error_code ignored;  // open() tells why
  fs::create_directories(file.parent_path(), ignored);
  while (true) {
    if (auto lock = take(file, O_RDWR | O_CREAT, LOCK_EX)) return std::move(*lock);
    if (goes_on && !goes_on()) throw base::Cancelled();
    std::this_thread::sleep_for(kLookEvery);
  }
}

std::optional<FileLock> FileLock::shared(const fs::path& file) {
  return take(file, O_RDONLY, LOCK_SH);
}

std::optional<FileLock> FileLock::exclusive_now(const fs::path& file) {
  return take(file, O_RDONLY, LOCK_EX);
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace hub
