// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"

namespace {

namespace fs = std::filesystem;

class Bytes : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / base::text("bytes_test_", ::getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
};

TEST_F(Bytes, WrittenFileReadsBackAndLeavesNoTemporary) {
  base::write_file(folder_ / "a", "hello");
  base::write_file(folder_ / "a", "world");
  EXPECT_EQ(base::read_file(folder_ / "a", 100), "world");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(Bytes, MappedFileShowsTheContent) {
  base::write_file(folder_ / "a", "hello");
  const base::MappedFile file(folder_ / "a");
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(file.bytes().data()), 5), "hello");
}

TEST_F(Bytes, EmptyFileMapsToNothing) {
  base::write_file(folder_ / "a", "");
  EXPECT_TRUE(base::MappedFile(folder_ / "a").bytes().empty());
}

TEST_F(Bytes, AbsentFileIsNotFoundAndNamed) {
  try {
    base::MappedFile file(folder_ / "absent");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::not_found);
    EXPECT_NE(std::string(error.what()).find("absent"), std::string::npos);
  }
}

TEST_F(Bytes, FileLargerThanTheLimitIsRefused) {
  base::write_file(folder_ / "a", "hello");
  EXPECT_THROW(base::read_file(folder_ / "a", 4), base::Error);
}

TEST_F(Bytes, FullDiskIsReportedAsExhausted) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  fs::create_symlink("/dev/full", folder_ / "a.partial");
  try {
    base::write_file(folder_ / "a", "hello");
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::exhausted);
  }
}

TEST(HumanBytes, PicksTheUnit) {
  EXPECT_EQ(base::human_bytes(12), "12 B");
  EXPECT_EQ(base::human_bytes(1536), "1.5 KiB");
  EXPECT_EQ(base::human_bytes(28591071232ull), "26.6 GiB");
}

}  // namespace
