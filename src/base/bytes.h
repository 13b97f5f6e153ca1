// SPDX-License-Identifier: Apache-2.0
// Bytes of files: read whole, mapped, and replaced atomically.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/temporary_file.h"

namespace base {

// The whole file. Throws Error(not_found) if it cannot be read, Error(invalid) if it is larger than
// `max_bytes`.
std::string read_file(const std::filesystem::path& file, size_t max_bytes);

// A file written under a temporary name beside it and renamed by commit(): readers see the old file
// or the new one. Without commit() nothing stays. Throws Error(exhausted) when the disk is full,
// Error(invalid) for other failures.
class FileWriter {
 public:
  explicit FileWriter(const std::filesystem::path& file);
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  ~FileWriter();

  void write(std::string_view content);
  // Brings everything to the disk, after which only the name is missing: whoever writes several
  // files finishes all of them before the first commit(). Nothing may be written afterwards.
  void finish();
  // Finishes, if that was not done, and renames.
  void commit();

 private:
  TemporaryFile temporary_;
  int descriptor_ = -1;
};

// The same for content at hand.
void write_file(const std::filesystem::path& file, std::string_view content);

// A file mapped read-only. Movable; the bytes stay valid as long as it lives.
class MappedFile {
 public:
  // Throws Error(not_found). An empty file maps to an empty span.
  explicit MappedFile(const std::filesystem::path& file);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace base
