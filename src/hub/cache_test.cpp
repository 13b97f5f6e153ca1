// SPDX-License-Identifier: Apache-2.0
#include "hub/cache.h"

#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/digest.h"
#include "weights/test_files.h"

namespace {

namespace fs = std::filesystem;
using namespace hub;
using weights::test::Folder;

class Cache : public testing::Test {
 protected:
  FileCache cache(uint64_t max_bytes = 1000) {
    return {folder / "cache", max_bytes, {[this] { return now; }, [this] { return now; }}};
  }

  // Keeps so many bytes under a key, used a second after the one before.
  fs::path put(const FileCache& cache, const std::string& key, size_t bytes, char fill) {
    now += 1000;
    const std::string content(bytes, fill);
    fs::create_directories(cache.partial(key).parent_path());
    folder.write(cache.partial(key), content);
    const auto lock = cache.lock(key, {});
    return cache.put(key, {.sha256 = crypto::sha256_hex(content)}, cache.partial(key)).entry.file;
  }

  static bool has(const FileCache& cache, const std::string& key) {
    return cache.find(key).has_value();
  }

  Folder folder;
  int64_t now = 1'790'000'000'000;
};

TEST_F(Cache, GivesBackWhatWasPut) {
  const auto some = cache();
  const auto file = put(some, "a", 100, 'a');
  const auto held = some.find("a");
  ASSERT_TRUE(held);
  EXPECT_EQ(held->entry.file, file);
  EXPECT_EQ(base::read_file(file, 1000), std::string(100, 'a'));
  EXPECT_EQ(held->entry.sha256, crypto::sha256_hex(std::string(100, 'a')));
  EXPECT_FALSE(some.find("b"));
}

TEST_F(Cache, DropsTheLongestUnusedWhereThereIsTooMuch) {
  const auto some = cache();
  const auto a = put(some, "a", 400, 'a');
  const auto b = put(some, "b", 400, 'b');
  now += 1000;
  EXPECT_TRUE(has(some, "a"));  // used again, later than b
  put(some, "c", 400, 'c');
  EXPECT_TRUE(has(some, "a"));
  EXPECT_FALSE(has(some, "b"));
  EXPECT_FALSE(fs::exists(b));
  EXPECT_TRUE(has(some, "c"));
}

TEST_F(Cache, NeverDropsWhatIsInUseOrWasJustPut) {
  const auto some = cache();
  put(some, "a", 400, 'a');
  put(some, "b", 400, 'b');
  auto use = some.find("a");
  now += 1000;
  has(some, "b");
  const auto c = put(some, "c", 900, 'c');
  EXPECT_TRUE(fs::exists(use->entry.file));
  EXPECT_FALSE(has(some, "b"));
  EXPECT_TRUE(fs::exists(c));
  use.reset();
  put(some, "d", 1, 'd');
  EXPECT_FALSE(has(some, "a"));
}

TEST_F(Cache, KeepsOneContentOnceForAllItsKeys) {
  const auto some = cache();
  const auto a = put(some, "a", 600, 'x');
  EXPECT_EQ(put(some, "b", 600, 'x'), a);
  EXPECT_TRUE(has(some, "a"));
  put(some, "c", 300, 'c');
  EXPECT_TRUE(has(some, "a"));  // 900 bytes in all
  some.drop("c");
  put(some, "d", 500, 'd');  // the oldest goes first, its content with the last key of it
  EXPECT_FALSE(fs::exists(a));
  EXPECT_FALSE(has(some, "a"));
  EXPECT_FALSE(has(some, "b"));
}

TEST_F(Cache, NoticesFilesThatWereChangedOrRemoved) {
  const auto some = cache();
  const auto a = put(some, "a", 100, 'a');
  folder.write(a, std::string(100, 'b'));
  EXPECT_FALSE(has(some, "a"));
  EXPECT_FALSE(fs::exists(a));

  fs::remove(put(some, "b", 100, 'b'));
  EXPECT_FALSE(has(some, "b"));

  // Written again with the same bytes it is as good as before.
  const auto c = put(some, "c", 100, 'c');
  folder.write(c, std::string(100, 'c'));
  EXPECT_TRUE(has(some, "c"));
}

TEST_F(Cache, ReadsAFileAgainOnceADay) {
  const auto some = cache();
  const auto file = put(some, "a", 100, 'a');
  const auto entries = folder / "cache/entries";
  const auto entry = fs::directory_iterator(entries)->path();
  // As if the disk had lost a bit: the file looks as it did, and has another checksum.
  auto text = base::read_file(entry, 10'000);
  const auto sha256 = crypto::sha256_hex(std::string(100, 'a'));
  text.replace(text.find("\"sha256\":\"" + sha256) + 10, 64, std::string(64, '0'));
  folder.write(entry, text);
  EXPECT_TRUE(has(some, "a"));
  now += 25LL * 3600 * 1000;
  EXPECT_FALSE(has(some, "a"));
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(Cache, ForgetsWhatNoEntryTellsOf) {
  const auto some = cache();
  put(some, "a", 10, 'a');
  const auto stray = folder.write("cache/files/stray.safetensors", "x");
  folder.write("cache/entries/half.json", "{\"file\":");
  const auto fresh = folder.write("cache/partial/fresh", "x");
  now = base::system_clock().wall();
  put(some, "b", 10, 'b');
  EXPECT_FALSE(fs::exists(stray));
  EXPECT_TRUE(fs::exists(fresh));
  now += 8LL * 24 * 3600 * 1000;
  put(some, "c", 10, 'c');
  EXPECT_FALSE(fs::exists(fresh));
}

TEST_F(Cache, LetsOneAtATimeAtAKey) {
  const auto some = cache();
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> turns = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const auto lock = some.lock("key", {});
      most = std::max<int>(most, ++inside);
      std::this_thread::yield();
      --inside;
      ++turns;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(most, 1);
  EXPECT_EQ(turns, 4);

  const auto lock = some.lock("key", {});
  EXPECT_THROW(some.lock("key", [] { return false; }), base::Cancelled);
  some.lock("other", [] { return false; });
}

}  // namespace
