// SPDX-License-Identifier: Apache-2.0
#include "objects/durable.h"

#include <cerrno>
#include <cstdio>
#include <vector>

#include "objects/test_folder.h"

namespace {

namespace fs = std::filesystem;
using base::Fault;
using objects::content_of;
using objects::durable_publish;
using objects::error_of;

// What a power cut would end at.
struct Cut {};

// Writes down every step, and cuts the power before the step of a number, or fails it.
struct Recorder {
  fs::path root;
  std::vector<std::string> steps = {};
  size_t cut_before = 99;
  size_t fail_at = 99;
  int reason = EIO;

  int take(const std::string& step) {
    if (steps.size() == cut_before) throw Cut();
    steps.push_back(step);
    if (steps.size() - 1 != fail_at) return 0;
    errno = reason;
    return -1;
  }

  objects::Disk disk() {
    return {.sync =
                [this](int descriptor) {
                  const auto link = "/proc/self/fd/" + std::to_string(descriptor);
                  return take("sync " + fs::read_symlink(link).lexically_relative(root).string());
                },
            .rename =
                [this](const char* from, const char* to) {
                  const auto failed = take("rename");
                  return failed != 0 ? failed : std::rename(from, to);
                }};
  }
};

struct Publishing {
  objects::TestFolder folder;
  fs::path temporary = folder.path() / "half";
  fs::path file = folder.path() / "out" / "task" / "1" / "video.mp4";
  Recorder recorder{.root = folder.path()};

  Publishing() { std::ofstream(temporary) << "bytes"; }
  void publish() { durable_publish(temporary, file, folder.path(), recorder.disk()); }
};

const std::vector<std::string> kSteps = {
    "sync half", "rename", "sync out/task/1", "sync out/task", "sync out", "sync ."};

TEST(DurablePublish, SyncsTheFileBeforeItsNameAndEveryFolderAfter) {
  Publishing one;
  one.publish();
  EXPECT_EQ(one.recorder.steps, kSteps);
  EXPECT_EQ(content_of(one.file), "bytes");
  EXPECT_FALSE(fs::exists(one.temporary));
}

// A name that is there means bytes that were synced, wherever the power goes.
TEST(DurablePublish, NeverNamesAFileThatIsNotOnTheDisk) {
  for (size_t step = 0; step < kSteps.size(); ++step) {
    Publishing one;
    one.recorder.cut_before = step;
    EXPECT_THROW(one.publish(), Cut);
    const bool is_synced = step >= 1;
    const bool is_named = fs::exists(one.file);
    EXPECT_TRUE(is_synced || !is_named) << "before step " << step;
    EXPECT_EQ(is_named, step >= 2);
    EXPECT_EQ(fs::exists(one.temporary), !is_named);
  }
}

TEST(DurablePublish, CallsAFailedSyncInternalAndAFullDiskExhausted) {
  for (size_t step = 0; step < kSteps.size(); ++step) {
    Publishing broken;
    broken.recorder.fail_at = step;
    const auto error = error_of([&] { broken.publish(); });
    EXPECT_EQ(error.fault(), Fault::internal) << kSteps[step];
    EXPECT_STREQ(error.what(), "internal error");
    EXPECT_EQ(broken.recorder.steps.size(), step + 1) << "nothing is tried after a failure";

    Publishing full;
    full.recorder.fail_at = step;
    full.recorder.reason = ENOSPC;
    EXPECT_EQ(error_of([&] { full.publish(); }).fault(), Fault::exhausted) << kSteps[step];
  }
}

TEST(DurablePublish, MakesTheFolderAgainThatWasCollectedMeanwhile) {
  Publishing one;
  auto disk = objects::system_disk();
  int calls = 0;
  disk.rename = [&](const char* from, const char* to) {
    if (++calls == 1) fs::remove_all(one.folder.path() / "out");
    return std::rename(from, to);
  };
  durable_publish(one.temporary, one.file, one.folder.path(), disk);
  EXPECT_EQ(content_of(one.file), "bytes");
}

TEST(DurablePublish, TakesThePlaceOfAnOlderFile) {
  Publishing one;
  one.publish();
  std::ofstream(one.temporary) << "newer";
  one.publish();
  EXPECT_EQ(content_of(one.file), "newer");
}

TEST(DurablePublish, MakesFoldersThatOthersCannotRead) {
  Publishing one;
  one.publish();
  EXPECT_EQ(fs::status(one.file.parent_path()).permissions(), fs::perms::owner_all);
}

}  // namespace
