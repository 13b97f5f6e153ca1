// SPDX-License-Identifier: Apache-2.0
#include "base/temporary_file.h"

#include <fstream>
#include <optional>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

fs::path fresh_file() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  auto file = fs::temp_directory_path() / (std::string("zoetrope_temporary_") + test->name());
  fs::remove(file);
  return file;
}

TEST(TemporaryFile, GetsItsNameByCommit) {
  const auto file = fresh_file();
  {
    base::TemporaryFile temporary(file);
    std::ofstream(temporary.name()) << "whole";
    EXPECT_FALSE(fs::exists(file));
    EXPECT_TRUE(temporary.commit());
  }
  EXPECT_TRUE(fs::exists(file));
  fs::remove(file);
}

TEST(TemporaryFile, IsGoneWithoutCommit) {
  const auto file = fresh_file();
  {
    base::TemporaryFile temporary(file);
    std::ofstream(temporary.name()) << "half";
  }
  EXPECT_FALSE(fs::exists(file.string() + ".partial"));
  EXPECT_FALSE(fs::exists(file));
}

TEST(TemporaryFile, SaysThatItCouldNotBeRenamed) {
  base::TemporaryFile temporary("/nonexistent/file");
  EXPECT_FALSE(temporary.commit());
  EXPECT_EQ(errno, ENOENT);
}

TEST(TemporaryFiles, AreRemovedTogether) {
  const auto file = fresh_file();
  base::TemporaryFile one(file.string() + "1"), two(file.string() + "2");
  std::optional<base::TemporaryFile> gone(file.string() + "3");
  gone.reset();
  for (const auto* temporary : {&one, &two}) std::ofstream(temporary->name()) << "half";
  base::remove_temporary_files();
  EXPECT_FALSE(fs::exists(one.name()));
  EXPECT_FALSE(fs::exists(two.name()));
}

}  // namespace
