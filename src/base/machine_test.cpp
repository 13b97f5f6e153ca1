// SPDX-License-Identifier: Apache-2.0
#include "base/machine.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMiB = 1 << 20;

// A folder that looks like the root of a machine with 1000 MiB, 800 of them available.
class Root {
 public:
  Root() : folder_(fs::temp_directory_path() / "zoetrope_machine_test") {
    fs::remove_all(folder_);
    write("proc/meminfo", "MemTotal:   1024000 kB\nMemFree: 5 kB\nMemAvailable:   819200 kB\n");
  }
  ~Root() { fs::remove_all(folder_); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  void write(const std::string& file, const std::string& content) const {
    fs::create_directories((folder_ / file).parent_path());
    base::write_file(folder_ / file, content);
  }
  base::Memory memory() const { return base::memory(folder_); }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

TEST(Machine, HasTheMemoryThatTheKernelReports) {
  const Root root;
  EXPECT_EQ(root.memory().total, 1000 * kMiB);
  EXPECT_EQ(root.memory().available, 800 * kMiB);
  EXPECT_EQ(root.memory().limit, "");
}

TEST(Machine, IsAsSmallAsItsControlGroup) {
  const Root root;
  root.write("proc/self/cgroup", "0::/user/me\n");
  root.write("sys/fs/cgroup/user/me/memory.max", std::to_string(300 * kMiB) + "\n");
  root.write("sys/fs/cgroup/user/me/memory.current", std::to_string(250 * kMiB) + "\n");
  root.write("sys/fs/cgroup/user/me/memory.stat",
             "anon 5\nactive_file 10485760\ninactive_file 94371840\n");
  EXPECT_EQ(root.memory().total, 300 * kMiB);
  EXPECT_EQ(root.memory().available, (300 - (250 - 100)) * kMiB);
  EXPECT_TRUE(root.memory().limit.ends_with("user/me/memory.max"));
}

TEST(Machine, ObeysAGroupFartherUpToo) {
  const Root root;
  root.write("proc/self/cgroup", "0::/user/me\n");
  root.write("sys/fs/cgroup/user/me/memory.max", "max\n");
  root.write("sys/fs/cgroup/user/me/memory.current", "5\n");
  root.write("sys/fs/cgroup/user/memory.max", std::to_string(200 * kMiB));
  root.write("sys/fs/cgroup/user/memory.current", std::to_string(250 * kMiB));
  EXPECT_EQ(root.memory().total, 200 * kMiB);
  EXPECT_EQ(root.memory().available, 0u);
}

TEST(Machine, KnowsTheFirstVersionOfControlGroups) {
  const Root root;
  root.write("proc/self/cgroup", "5:devices:/\n4:memory:/docker/7\n0::/\n");
  root.write("sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(400 * kMiB));
  root.write("sys/fs/cgroup/memory/memory.usage_in_bytes", std::to_string(100 * kMiB));
  EXPECT_EQ(root.memory().total, 400 * kMiB);
  EXPECT_EQ(root.memory().available, 300 * kMiB);
}

TEST(Machine, ReadsTheFeaturesOfItsProcessor) {
  const Root root;
  root.write("proc/cpuinfo",
             "processor\t: 0\nmodel name\t: A CPU @ 2 GHz\nflags\t\t: fpu avx2 avx512_bf16\n");
  const auto processor = base::processor(root.folder());
  EXPECT_EQ(processor.name, "A CPU @ 2 GHz");
  EXPECT_TRUE(processor.has("avx512_bf16"));
  EXPECT_FALSE(processor.has("avx512"));
}

TEST(Machine, MeasuresTheDiskOfAFileThatIsNotThereYet) {
  EXPECT_GT(base::free_disk(fs::temp_directory_path() / "no" / "such" / "file.mp4"), 0u);
}

}  // namespace
