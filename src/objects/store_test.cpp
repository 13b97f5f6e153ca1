// SPDX-License-Identifier: Apache-2.0
#include "objects/store.h"

#include <cerrno>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/digest.h"
#include "objects/test_store.h"

namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using base::Fault;
using objects::content_of;
using objects::date_all;
using objects::error_of;
using objects::kDay;
using objects::Keeping;
using objects::ResultName;
using objects::Store;

constexpr auto kPng = "\x89PNG\r\n\x1a\n and so on";

// ── results ─────────────────────────────────────────────────────────────────────────────────────

TEST(Results, AreFoundAsTheyWerePublished) {
  Keeping one;
  const auto content = one.publish({"task", 1, "video.mp4"}, "bytes of a video");
  EXPECT_EQ(content.bytes, 16u);
  EXPECT_EQ(content.sha256, crypto::sha256_hex("bytes of a video"));
  const auto file = one.store->open_result({"task", 1, "video.mp4"});
  EXPECT_EQ(file.path, one.data() / "out" / "task" / "1" / "video.mp4");
  EXPECT_EQ(file.bytes, 16u);
  EXPECT_EQ(content_of(file.path), "bytes of a video");
  EXPECT_EQ(one.files_in("tmp"), 0);
}

TEST(Results, OfTwoAttemptsNeverMeet) {
  Keeping one;
  one.publish({"task", 1, "video.mp4"}, "first");
  one.publish({"task", 2, "video.mp4"}, "second");
  EXPECT_EQ(content_of(one.store->open_result({"task", 1, "video.mp4"}).path), "first");
  EXPECT_EQ(content_of(one.store->open_result({"task", 2, "video.mp4"}).path), "second");
}

TEST(Results, ThatAreNotThereAreNotFound) {
  Keeping one;
  one.publish({"task", 1, "video.mp4"}, "bytes");
  for (const auto& name :
       {ResultName{"task", 2, "video.mp4"}, {"other", 1, "video.mp4"}, {"task", 1, "poster.png"}}) {
    EXPECT_EQ(error_of([&] { one.store->open_result(name); }).fault(), Fault::not_found);
  }
}

TEST(Results, HaveNamesThatStayInsideTheirFolder) {
  Keeping one;
  for (const auto& bad : {"../x"s, ".."s, ""s, "a/b"s, "a\0b"s, "é"s, std::string(300, 'a')}) {
    for (const auto& name : {ResultName{bad, 1, "video.mp4"}, {"task", 1, bad}}) {
      EXPECT_EQ(error_of([&] { one.publish(name, "x"); }).fault(), Fault::invalid);
      EXPECT_EQ(error_of([&] { one.store->open_result(name); }).fault(), Fault::invalid);
    }
  }
  EXPECT_EQ(error_of([&] { one.publish({"task", 0, "video.mp4"}, "x"); }).fault(), Fault::invalid);
  EXPECT_EQ(one.files_in(""), 0) << "what was refused must leave nothing";
}

TEST(Writer, CountsAndDigestsWhatComesInPieces) {
  Keeping one;
  const auto writer = one.store->begin(8);
  for (const auto* piece : {"ab", "", "cd", "efgh"}) writer->write(piece);
  const auto received = writer->finish();
  EXPECT_EQ(received.content.bytes, 8u);
  EXPECT_EQ(received.content.sha256, crypto::sha256_hex("abcdefgh"));
  EXPECT_EQ(content_of(received.file), "abcdefgh");
}

TEST(Writer, RefusesTheFirstByteTooMany) {
  Keeping one;
  const auto writer = one.store->begin(4);
  writer->write("abcd");
  const auto error = error_of([&] { writer->write("e"); });
  EXPECT_EQ(error.fault(), Fault::invalid);
  EXPECT_STREQ(error.what(), "the file is larger than 4 bytes");
}

TEST(Writer, LeavesNothingUnlessItIsPublished) {
  Keeping one;
  {
    const auto writer = one.store->begin(4);
    writer->write("abcd");
    EXPECT_EQ(one.files_in("tmp"), 1);
  }
  EXPECT_EQ(one.files_in("tmp"), 0);
}

// The one of this process that has a file of the folder open; -1 where none has.
int descriptor_of(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code problem;
    if (fs::read_symlink(entry, problem).parent_path() == folder)
      return std::stoi(entry.path().filename());
  }
  return -1;
}

TEST(Writer, CallsAFullDiskExhausted) {
  Keeping one;
  const auto writer = one.store->begin(100);
  const int always_full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(::dup2(always_full, descriptor_of(one.store->incoming())), 0);
  ::close(always_full);
  const auto error = error_of([&] { writer->write("bytes"); });
  EXPECT_EQ(error.fault(), Fault::exhausted);
  EXPECT_STREQ(error.what(), "the server's disk is full");
}

// ── the disk ────────────────────────────────────────────────────────────────────────────────────

TEST(Store, PublishesNothingAfterAFailedSync) {
  Keeping one;
  bool fails = false;
  one.disk.sync = [&](int descriptor) {
    errno = EIO;
    return fails ? -1 : ::fsync(descriptor);
  };
  one.start();
  one.publish({"task", 1, "a.mp4"}, "before");
  EXPECT_FALSE(one.store->has_failed());
  fails = true;
  EXPECT_EQ(error_of([&] { one.publish({"task", 1, "b.mp4"}, "x"); }).fault(), Fault::internal);
  EXPECT_TRUE(one.store->has_failed());
  fails = false;
  EXPECT_EQ(error_of([&] { one.publish({"task", 1, "c.mp4"}, "x"); }).fault(), Fault::internal);
  EXPECT_EQ(one.files_in("out"), 1);
  EXPECT_NO_THROW(one.store->open_result({"task", 1, "a.mp4"})) << "reading goes on";
  one.start();
  EXPECT_NO_THROW(one.publish({"task", 1, "b.mp4"}, "x")) << "a new process begins anew";
}

TEST(Store, GoesOnAfterAFailureThatIsNotTheDisks) {
  Keeping one;
  bool fails = true;
  one.disk.rename = [&](const char* from, const char* to) {
    errno = EMFILE;
    return fails ? -1 : std::rename(from, to);
  };
  one.start();
  EXPECT_EQ(error_of([&] { one.publish({"task", 1, "a.mp4"}, "x"); }).fault(), Fault::internal);
  EXPECT_FALSE(one.store->has_failed());
  fails = false;
  EXPECT_NO_THROW(one.publish({"task", 1, "a.mp4"}, "x"));
}

TEST(Store, MakesItsFolderForGood) {
  Keeping one;
  std::set<fs::path> synced;
  const objects::Disk disk{
      .sync =
          [&](int descriptor) {
            synced.insert(fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor)));
            return 0;
          },
      .rename = std::rename};
  const auto above = one.folder.path() / "new";
  const Store store({.folder = above / "data"}, {}, disk);
  EXPECT_EQ(synced, (std::set<fs::path>{one.folder.path(), above, above / "data"}));
}

TEST(Store, GoesOnAfterAFullDisk) {
  Keeping one;
  bool fails = false;
  one.disk.sync = [&](int descriptor) {
    errno = ENOSPC;
    return fails ? -1 : ::fsync(descriptor);
  };
  one.start();
  fails = true;
  EXPECT_EQ(error_of([&] { one.publish({"task", 1, "a.mp4"}, "x"); }).fault(), Fault::exhausted);
  fails = false;
  EXPECT_FALSE(one.store->has_failed());
  EXPECT_NO_THROW(one.publish({"task", 1, "a.mp4"}, "x"));
}

TEST(Store, StartsWithPrivateFoldersAndAnEmptyOneForTemporaries) {
  Keeping one;
  std::ofstream(one.data() / "tmp" / "left") << "half";
  fs::permissions(one.data() / "out", fs::perms::all);
  one.publish({"task", 1, "a.mp4"}, "kept");
  one.start();
  EXPECT_EQ(one.files_in("tmp"), 0);
  EXPECT_EQ(one.files_in("out"), 1);
  for (const auto* folder : {"", "tmp", "out", "uploads"}) {
    EXPECT_EQ(fs::status(one.data() / folder).permissions(), fs::perms::owner_all) << folder;
  }
}

TEST(Store, IsRefusedWhereAnotherOneIsAtWork) {
  Keeping one;
  const auto writer = one.store->begin(10);
  const auto second = [&] { Store(objects::Options{.folder = one.data()}, {}); };
  EXPECT_EQ(error_of(second).fault(), Fault::conflict);
  EXPECT_EQ(one.files_in("tmp"), 1) << "the second one must not touch the first one's files";
}

TEST(Store, NamesTheFolderThatItCannotUse) {
  const auto start = [] { Store(objects::Options{.folder = "/proc/zoetrope"}, {}); };
  const auto error = error_of(start);
  EXPECT_EQ(error.fault(), Fault::invalid);
  EXPECT_TRUE(std::string(error.what()).starts_with("/proc/zoetrope: ")) << error.what();
}

TEST(Store, TellsTheRoomAboveItsFloor) {
  Keeping one;
  const auto with_floor = [&](uint64_t floor) {
    one.store.reset();
    return Store({.folder = one.data(), .floor = floor}, {}).room_left();
  };
  const auto all = with_floor(0);
  EXPECT_GT(all, 1'000'000u);
  EXPECT_LT(with_floor(all / 2), all * 3 / 4);
  EXPECT_EQ(with_floor(UINT64_MAX), 0u);
}

TEST(Store, LeavesATwentiethFreeAndOnSmallDisksATenth) {
  constexpr uint64_t kGigabyte = 1'000'000'000;
  EXPECT_EQ(objects::default_floor(4000 * kGigabyte), 200 * kGigabyte);
  EXPECT_EQ(objects::default_floor(200 * kGigabyte), 10 * kGigabyte);
  EXPECT_EQ(objects::default_floor(120 * kGigabyte), 10 * kGigabyte);
  EXPECT_EQ(objects::default_floor(20 * kGigabyte), 2 * kGigabyte);
  EXPECT_EQ(objects::default_floor(1'000'000), 100'000u);
}

// ── uploads ─────────────────────────────────────────────────────────────────────────────────────

TEST(Uploads, AreFoundByTheirId) {
  Keeping one;
  const auto made = one.upload(kPng, "../my cat.jpg");
  one.start();
  const auto found = one.store->find_upload(made.id);
  EXPECT_EQ(found.id, made.id);
  EXPECT_EQ(found.tenant, objects::tenant_hash("ann"));
  EXPECT_EQ(found.name, "my cat.jpg");
  EXPECT_EQ(found.media_type, "image/png") << "by its bytes, not by its name";
  EXPECT_EQ(found.content.bytes, std::string(kPng).size());
  EXPECT_EQ(found.content.sha256, crypto::sha256_hex(kPng));
  EXPECT_EQ(found.created, one.now);
  EXPECT_EQ(found.expires, one.now + 7 * kDay);
  EXPECT_EQ(content_of(found.path), kPng);
}

TEST(Uploads, HaveNoPathThatTheirSenderChose) {
  Keeping one;
  for (const auto& name : {"../../x"s, "a\0b"s, "\xff"s, "é"s, std::string(300, 'a'), ""s}) {
    const auto path = one.upload(kPng, name).path.lexically_relative(one.data()).string();
    EXPECT_EQ(path.find_first_not_of("/.abcdefghijklmnopqrstuvwxyz0123456789"), std::string::npos);
    EXPECT_EQ(path.find(".."), std::string::npos);
  }
}

TEST(Uploads, HaveIdsThatDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(Store::new_upload_id("ann"));
  EXPECT_EQ(ids.size(), 100u);
}

TEST(Uploads, AreMadeOnce) {
  Keeping one;
  const auto made = one.upload(kPng);
  const auto writer = one.store->begin(10);
  writer->write("other");
  const auto again = [&] { one.store->publish_upload(writer->finish(), made.id, "x"); };
  EXPECT_EQ(error_of(again).fault(), Fault::conflict);
  EXPECT_EQ(content_of(one.store->find_upload(made.id).path), kPng);
}

TEST(Uploads, AreNotFoundUnderWhatIsNoId) {
  Keeping one;
  const auto id = one.upload(kPng).id;
  auto other = id;
  other.back() = other.back() == '0' ? '1' : '0';
  for (const auto& wrong :
       {""s, "x"s, "../../etc"s, other, id + "0", id.substr(1), std::string(48, '/')}) {
    EXPECT_EQ(error_of([&] { one.store->find_upload(wrong); }).fault(), Fault::not_found) << wrong;
  }
}

TEST(Uploads, AreThereForAWeek) {
  Keeping one;
  const auto id = one.upload(kPng).id;
  one.now += 7 * kDay - 1;
  EXPECT_NO_THROW(one.store->find_upload(id));
  one.now += 1;
  EXPECT_EQ(error_of([&] { one.store->find_upload(id); }).fault(), Fault::not_found);
}

TEST(Uploads, ThatBrokeOffAreNotThere) {
  Keeping one;
  int renames = 0;
  one.disk.rename = [&](const char* from, const char* to) {
    if (++renames == 2) throw std::runtime_error("the power is cut");
    return std::rename(from, to);
  };
  one.start();
  const auto id = Store::new_upload_id("ann");
  const auto writer = one.store->begin(100);
  writer->write(kPng);
  EXPECT_THROW(one.store->publish_upload(writer->finish(), id, "x"), std::runtime_error);
  EXPECT_EQ(error_of([&] { one.store->find_upload(id); }).fault(), Fault::not_found);
  EXPECT_EQ(one.files_in("uploads"), 1);
  date_all(one.data() / "uploads", one.now - 2 * kDay);
  one.store->collect([](const ResultName&) { return false; });
  EXPECT_EQ(one.files_in("uploads"), 0);
}

}  // namespace
