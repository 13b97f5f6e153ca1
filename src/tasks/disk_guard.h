// SPDX-License-Identifier: Apache-2.0
// What a database file needs from its disk: the right to be its only user, and room in reserve.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>

namespace tasks {

// Held by the one process that may open a database file, until destruction. Throws Error(conflict)
// when another holds it, Error(invalid) when the file lies on a network file system, where neither
// this lock nor SQLite's shared memory can be relied on.
class ServerLock {
 public:
  explicit ServerLock(const std::filesystem::path& database);
  ServerLock(const ServerLock&) = delete;
  ServerLock& operator=(const ServerLock&) = delete;
  ~ServerLock();

 private:
  int descriptor_ = -1;
};

// A file that only takes up room beside the database. When the disk is full it is deleted, so that
// what is already taken in can be finished, cancelled and deleted; nothing new is taken in until
// there is room for the file again. Thread-safe.
class Ballast {
 public:
  // `floor` is how much must be free besides the ballast. Both in bytes.
  Ballast(const std::filesystem::path& database, int64_t bytes, int64_t floor);

  // Deletes the file; false when there was none to delete.
  bool release();

  // Makes the file where it is missing and there is room for it above the floor.
  void restore();

  bool is_there() const;

  // Throws LimitReached(disk) when the file is missing or the disk is below the floor.
  void check_room() const;

 private:
  bool has_room(int64_t bytes) const;

  mutable std::mutex mutex_;
  std::filesystem::path file_;
  int64_t bytes_;
  int64_t floor_;
  bool is_there_ = false;
};

// Brings the names in a folder to the disk. Throws Error(internal).
void sync_folder(const std::filesystem::path& folder);

}  // namespace tasks
