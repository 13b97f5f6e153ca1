// SPDX-License-Identifier: Apache-2.0
// SQLite, for one server on one machine. Exactly one connection writes and checkpoints, the others
// are opened read-only: two that write can damage the file in every SQLite before 3.51.3 (the
// "WAL-reset bug", sqlite.org/wal.html).
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "tasks/connection_pool.h"
#include "tasks/database.h"
#include "tasks/disk_guard.h"
#include "tasks/group_commit.h"

namespace tasks {

struct SqliteOptions {
  std::filesystem::path file;
  int readers = 8;
  int64_t ballast_bytes = 0;
  int64_t disk_floor_bytes = 0;
};

class SqliteDatabase : public Database {
 public:
  // Makes the file where there is none. Throws Error(conflict) when another server has it open.
  SqliteDatabase(const SqliteOptions& options, base::Clock clock);

  void run_write(const WriteBody& body) override;
  void run_read(const ReadBody& body) override;
  void check_room() override { ballast_.check_room(); }
  // Moves the log into the file and makes the ballast anew.
  void tidy() override;
  std::string check() override;
  bool has_failed() const override { return has_failed_; }

 private:
  void write_batch(GroupCommit::Batch batch);
  void try_batch(GroupCommit::Batch batch);
  void run_job(GroupCommit::Job& job, Now now);
  void checkpoint(int mode);
  Now now() const;
  // Remembers that the disk has failed, if that is what the error says.
  void note(const DatabaseError& error);
  void refuse_if_failed() const;

  base::Clock clock_;
  int64_t steady_offset_;  // what makes the steady clock count from 1970, as of the start
  std::filesystem::path file_;
  ServerLock lock_;
  Ballast ballast_;
  std::atomic<bool> has_failed_ = false;
  std::unique_ptr<Connection> writer_;
  ConnectionPool readers_;  // closed before the writer, whose close removes the log
  GroupCommit group_commit_;
};

}  // namespace tasks
