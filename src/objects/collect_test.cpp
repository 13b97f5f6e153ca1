// SPDX-License-Identifier: Apache-2.0
#include "objects/test_store.h"

namespace {

namespace fs = std::filesystem;
using objects::date;
using objects::date_all;
using objects::kDay;
using objects::Keeping;
using objects::kHour;
using objects::ResultName;

TEST(Collect, RemovesWhatIsNotReferencedOnceItIsOldEnough) {
  Keeping one;
  one.publish({"kept", 1, "video.mp4"}, "kept");
  one.publish({"lost", 1, "video.mp4"}, "lost");
  one.publish({"lost", 2, "video.mp4"}, "too young");
  date_all(one.data() / "out", one.now - 25 * kHour);
  date(one.data() / "out" / "lost" / "2" / "video.mp4", one.now - 23 * kHour);
  const auto collected =
      one.store->collect([](const ResultName& name) { return name.task == "kept"; });
  EXPECT_EQ(collected.results, 1);
  EXPECT_EQ(collected.bytes, 4u);
  EXPECT_NO_THROW(one.store->open_result({"kept", 1, "video.mp4"}));
  EXPECT_NO_THROW(one.store->open_result({"lost", 2, "video.mp4"}));
  EXPECT_FALSE(fs::exists(one.data() / "out" / "lost" / "1"));
}

TEST(Collect, AsksForEachFileByItsFullName) {
  Keeping one;
  one.publish({"task", 3, "video.mp4"}, "x");
  one.publish({"task", 3, "poster.png"}, "x");
  date_all(one.data() / "out", one.now - 2 * kDay);
  one.store->collect([](const ResultName& name) {
    return name.task == "task" && name.attempt == 3 && name.name == "video.mp4";
  });
  EXPECT_NO_THROW(one.store->open_result({"task", 3, "video.mp4"}));
  EXPECT_EQ(one.files_in("out"), 1);
}

TEST(Collect, NeverRemovesAReferencedFileHoweverOld) {
  Keeping one;
  one.publish({"task", 1, "video.mp4"}, "x");
  one.now += 10'000 * kDay;
  EXPECT_EQ(one.store->collect([](const ResultName&) { return true; }).results, 0);
  EXPECT_NO_THROW(one.store->open_result({"task", 1, "video.mp4"}));
}

TEST(Collect, RemovesExpiredUploadsAndTheirFolders) {
  Keeping one;
  const auto old = one.upload("bytes").id;
  one.now += 6 * kDay;
  const auto young = one.upload("bytes").id;
  one.now += 1 * kDay;
  EXPECT_EQ(one.store->collect([](const ResultName&) { return false; }).uploads, 1);
  EXPECT_NO_THROW(one.store->find_upload(young));
  EXPECT_EQ(one.files_in("uploads"), 2);
  one.now += 6 * kDay;
  EXPECT_EQ(one.store->collect([](const ResultName&) { return false; }).uploads, 1);
  EXPECT_TRUE(fs::is_empty(one.data() / "uploads"));
}

TEST(Results, AreRemovedWithTheirTask) {
  Keeping one;
  one.publish({"task", 1, "video.mp4"}, "x");
  one.publish({"task", 2, "video.mp4"}, "x");
  one.publish({"other", 1, "video.mp4"}, "x");
  one.store->remove_results("task");
  one.store->remove_results("unknown");
  EXPECT_EQ(one.files_in("out"), 1);
}

TEST(Collect, RemovesTemporariesThatNobodyWritesTo) {
  Keeping one;
  const auto left = one.store->incoming() / "left";
  const auto growing = one.store->incoming() / "growing";
  for (const auto& file : {left, growing}) std::ofstream(file) << "half";
  date(left, one.now - 25 * kHour);
  date(growing, one.now - 1 * kHour);
  EXPECT_EQ(one.store->collect([](const ResultName&) { return false; }).temporaries, 1);
  EXPECT_TRUE(fs::exists(growing));
}

}  // namespace
