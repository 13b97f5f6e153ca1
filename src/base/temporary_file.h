// SPDX-License-Identifier: Apache-2.0
// The name under which a file is written before it is complete.
#pragma once

#include <filesystem>
#include <string>

namespace base {

// `file` with ".partial" at its end. Whoever owns this writes there and calls commit() when the
// bytes are on the disk; without commit() the destructor removes what was written.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& file);
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile();

  const std::string& name() const { return name_; }
  const std::filesystem::path& file() const { return file_; }

  // Gives the file its own name. False, with errno set, where that fails.
  bool commit();

 private:
  std::filesystem::path file_;
  std::string name_;
  bool is_committed_ = false;
};

// Removes every temporary file there is. May be called in a signal handler; the process must end
// right after it.
void remove_temporary_files() noexcept;

}  // namespace base
