// SPDX-License-Identifier: Apache-2.0
// Locks on files that several processes respect (flock), which end with the process that holds
// them.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

namespace hub {

class FileLock {
 public:
  // Waits until the lock is free; the file and its folders are made. `goes_on` is asked while
  // waiting: false ends it with base::Cancelled. Throws Error(internal).
  static FileLock exclusive(const std::filesystem::path& file,
                            const std::function<bool()>& goes_on = {});

  // On a file that is there, for as long as it is used: nothing, where it is not there or is being
  // removed.
  static std::optional<FileLock> shared(const std::filesystem::path& file);

  // Where nobody has a lock on the file, which is there.
  static std::optional<FileLock> exclusive_now(const std::filesystem::path& file);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  static std::optional<FileLock> take(const std::filesystem::path& file, int flags, int operation);
  int descriptor_ = -1;
};

}  // namespace hub
