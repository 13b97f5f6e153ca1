// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"

namespace base {
namespace {

// Closes a descriptor at the end of a scope.
struct Descriptor {
  int value;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

Descriptor open_to_read(const std::filesystem::path& file) {
  Descriptor descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
  if (descriptor.value < 0) {
    throw Error(Fault::not_found, text(file.string(), ": ", std::strerror(errno)));
  }
  return descriptor;
}

size_t size_of(const Descriptor& descriptor, const std::filesystem::path& file) {
  struct stat status {};
  if (::fstat(descriptor.value, &status) != 0 || !S_ISREG(status.st_mode)) {
    throw Error(Fault::not_found, text(file.string(), ": not a regular file"));
  }
  return static_cast<size_t>(status.st_size);
}

[[noreturn]] void throw_write_error(const std::filesystem::path& file) {
  const int reason = errno;
  const auto fault = reason == ENOSPC || reason == EDQUOT ? Fault::exhausted : Fault::invalid;
  throw Error(fault, text(file.string(), ": cannot write: ", std::strerror(reason)));
}

}  // namespace

std::string read_file(const std::filesystem::path& file, size_t max_bytes) {
  const auto descriptor = open_to_read(file);
  const auto size = size_of(descriptor, file);
  if (size > max_bytes) {
    throw Error(Fault::invalid, text(file.string(), ": ", size, " bytes, at most ", max_bytes));
  }
  std::string content(size, '\0');
  size_t done = 0;
  while (done < size) {
    const auto got = ::read(descriptor.value, content.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(Fault::not_found, text(file.string(), ": ", std::strerror(errno)));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  content.resize(done);
  return content;
}

FileWriter::FileWriter(const std::filesystem::path& file) : temporary_(file) {
  descriptor_ = ::open(temporary_.name().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw_write_error(file);
}

FileWriter::~FileWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FileWriter::write(std::string_view content) {
  while (!content.empty()) {
    const auto written = ::write(descriptor_, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_write_error(temporary_.file());
    content.remove_prefix(static_cast<size_t>(written));
  }
}

void FileWriter::finish() {
  if (descriptor_ < 0) return;
  if (::fsync(descriptor_) != 0) throw_write_error(temporary_.file());
  ::close(std::exchange(descriptor_, -1));
}

void FileWriter::commit() {
  finish();
  if (!temporary_.commit()) throw_write_error(temporary_.file());
}

void write_file(const std::filesystem::path& file, std::string_view content) {
  FileWriter out(file);
  out.write(content);
  out.commit();
}

MappedFile::MappedFile(const std::filesystem::path& file) : path_(file) {
  const auto descriptor = open_to_read(file);
  size_ = size_of(descriptor, file);
  if (size_ == 0) return;
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor.value, 0);
  if (mapped == MAP_FAILED) {
    throw Error(Fault::exhausted, text(file.string(), ": cannot map: ", std::strerror(errno)));
  }
  data_ = static_cast<const std::byte*>(mapped);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace base
