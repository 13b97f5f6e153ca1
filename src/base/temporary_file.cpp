// SPDX-License-Identifier: Apache-2.0
#include "base/temporary_file.h"

#include <array>
#include <atomic>

#include <unistd.h>

namespace base {
namespace {

// A signal handler can reach nothing but a global, and may neither allocate nor lock. A file that
// finds no place here is only removed by its destructor.
constexpr size_t kPlaces = 64;
std::array<std::atomic<const char*>, kPlaces> names{};

void enter(const char* name) {
  for (auto& place : names) {
    const char* free = nullptr;
    if (place.compare_exchange_strong(free, name)) return;
  }
}

void leave(const char* name) {
  for (auto& place : names) {
    const char* expected = name;
    if (place.compare_exchange_strong(expected, nullptr)) return;
  }
}

}  // namespace

TemporaryFile::TemporaryFile(const std::filesystem::path& file)
    : file_(file), name_(file.string() + ".partial") {
  enter(name_.c_str());
}

TemporaryFile::~TemporaryFile() {
  leave(name_.c_str());
  if (!is_committed_) ::unlink(name_.c_str());
}

bool TemporaryFile::commit() {
  is_committed_ = ::rename(name_.c_str(), file_.c_str()) == 0;
  return is_committed_;
}

void remove_temporary_files() noexcept {
  for (const auto& place : names) {
    if (const char* name = place.load(); name != nullptr) ::unlink(name);
  }
}

}  // namespace base
