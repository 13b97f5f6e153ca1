// SPDX-License-Identifier: Apache-2.0
// A store of a test's own, at a time of the test's own. Included by tests only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>

#include "objects/store.h"
#include "objects/test_folder.h"

namespace objects {

constexpr int64_t kHour = 3'600'000;
constexpr int64_t kDay = 24 * kHour;

struct Keeping {
  TestFolder folder;
  int64_t now = 1'770'000'000'000;
  Disk disk = system_disk();
  std::unique_ptr<Store> store;

  Keeping() { start(); }

  void start() {
    store.reset();
    store = std::make_unique<Store>(Options{.folder = folder.path() / "data"},
                                    base::Clock{.wall = [this] { return now; }, .steady = {}},
                                    disk);
  }

  std::filesystem::path data() const { return folder.path() / "data"; }

  Content publish(const ResultName& name, const std::string& bytes) {
    const auto writer = store->begin(1000);
    writer->write(bytes);
    const auto received = writer->finish();
    store->publish_result(received, name);
    return received.content;
  }

  Upload upload(const std::string& bytes, const std::string& name = "cat.png") {
    const auto writer = store->begin(1000);
    writer->write(bytes);
    return store->publish_upload(writer->finish(), Store::new_upload_id("ann"), name);
  }

  int files_in(const std::string& part) const {
    int count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data() / part)) {
      count += entry.is_regular_file();
    }
    return count;
  }
};

// Files are as old as the test says, not as old as they are.
inline void date(const std::filesystem::path& path, int64_t wall) {
  const timespec time{.tv_sec = wall / 1000, .tv_nsec = 0};
  const timespec times[] = {time, time};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0) << path;
}

inline void date_all(const std::filesystem::path& folder, int64_t wall) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    date(entry.path(), wall);
}

}  // namespace objects
