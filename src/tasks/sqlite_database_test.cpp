// SPDX-License-Identifier: Apache-2.0
// What is SQLite's alone: its file, the disk under it, and the end of the process.
#include "tasks/sqlite_database.h"

#include <csignal>
#include <cstdio>
#include <fstream>
#include <thread>

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tasks/test_store.h"

namespace tasks {
namespace {

using base::Fault;
using test::fault_of;

class SqliteFile : public test::StoreTest {
 protected:
  std::filesystem::path file(const char* name = "other.db") { return folder_.path() / name; }
  std::unique_ptr<Store> open(const std::filesystem::path& file) {
    return Store::open("sqlite:" + file.string(), time_.clock(), options_);
  }
};
INSTANTIATE_TEST_SUITE_P(On, SqliteFile, testing::Values("sqlite"), test::database_name);

TEST_P(SqliteFile, MayHaveAnyName) {
  const auto odd = file("a b=\"c\" %20?mode=ro#'.db");
  open(odd)->credit("acme", 5, "");
  EXPECT_TRUE(std::filesystem::exists(odd));
  EXPECT_EQ(open(odd)->balance("acme"), 5);
}

TEST_P(SqliteFile, IsRefusedWhenItIsNoDatabase) {
  std::ofstream(file()) << std::string(10'000, 'x');
  EXPECT_EQ(fault_of([&] { open(file()); }), Fault::invalid);
  EXPECT_EQ(fault_of([&] { open(folder_.path() / "missing" / "store.db"); }), Fault::invalid);
  EXPECT_EQ(fault_of([&] { Store::open("mysql://host", time_.clock()); }), Fault::invalid);
}

TEST_P(SqliteFile, IsRefusedWhenItIsDamaged) {
  auto other = open(file());
  for (int i = 0; i < 200; ++i) other->create(request(), {});
  EXPECT_EQ(other->check(), "");
  other.reset();
  {
    std::fstream damaged(file(), std::ios::in | std::ios::out | std::ios::binary);
    for (const auto page : {10, 20, 30, 40}) {
      damaged.seekp(page * 4096);
      damaged << std::string(4096, '\x55');
    }
  }
  EXPECT_EQ(fault_of([&] { open(file()); }), Fault::invalid);
}

TEST_P(SqliteFile, IsRefusedWhenALaterProgramMadeIt) {
  open(file());
  {
    SqliteDatabase database({.file = file()}, time_.clock());
    database.run_write([](Connection& sql, Now) { sql.run("PRAGMA user_version = 99"); });
  }
  EXPECT_EQ(fault_of([&] { open(file()); }), Fault::invalid);
}

TEST_P(SqliteFile, IsItsOwnersAlone) {
  const auto other = open(file());
  other->credit("acme", 5, "");
  for (const auto* name : {"other.db", "other.db-wal", "other.db-shm"}) {
    const auto rights = std::filesystem::status(file(name)).permissions();
    EXPECT_EQ(rights, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)
        << name;
  }
}

TEST_P(SqliteFile, IsOneServersAlone) {
  const auto first = open(file());
  EXPECT_EQ(fault_of([&] { open(file()); }), Fault::conflict);
}

TEST_P(SqliteFile, IsReadByConnectionsThatCannotWrite) {
  SqliteDatabase database({.file = file()}, time_.clock());
  database.run_write([](Connection& sql, Now) { sql.run("CREATE TABLE t (x INTEGER)"); });
  EXPECT_EQ(fault_of([&] {
              database.run_read([](Connection& sql) { sql.run("INSERT INTO t VALUES (1)"); });
            }),
            Fault::internal);
}

TEST_P(SqliteFile, KeepsAllButTheFailedOnesOfABatch) {
  SqliteDatabase database({.file = file()}, time_.clock());
  database.run_write(
      [](Connection& sql, Now) { sql.run("CREATE TABLE t (x INTEGER CHECK (x < 50))"); });
  std::vector<std::jthread> threads;
  std::atomic<int> refused = 0;
  for (int64_t x = 0; x < 100; ++x) {
    threads.emplace_back([&, x] {
      try {
        database.run_write([&](Connection& sql, Now) {
          sql.run("INSERT INTO t VALUES (:x)", {{"x", x}});
        });
      } catch (const base::Error&) {
        ++refused;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(refused, 50);
  const auto rows = database.read(
      [](Connection& sql) { return sql.rows<int64_t, int64_t>("SELECT count(*), max(x) FROM t"); });
  EXPECT_EQ(rows.at(0), std::tuple(50, 49));
}

// The ids that the child was told of before it died, each of which must be there.
TEST_P(SqliteFile, HasEveryAcknowledgedTaskAfterAKill) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto child = ::fork();
  if (child == 0) {
    const auto other = open(file());
    for (;;) {
      const auto id = other->create(request(), {}).task.id;
      if (::write(ends[1], id.data(), id.size()) < 0) ::_exit(1);
    }
  }
  ::close(ends[1]);
  std::vector<std::string> ids;
  for (char id[32]; ::read(ends[0], id, sizeof id) == sizeof id; ids.emplace_back(id, sizeof id)) {
    if (ids.size() == 100) ::kill(child, SIGKILL);
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  ASSERT_GE(ids.size(), 100u);
  const auto other = open(file());
  for (const auto& id : ids) EXPECT_TRUE(other->find("acme", id)) << id;
  EXPECT_EQ(other->check(), "");
}

class FullDisk : public SqliteFile {
 protected:
  // A small disk for this process alone. False where the system does not allow it.
  static bool mount_disk(const std::filesystem::path& folder) {
    const int flags = ::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
    return ::unshare(flags) == 0 &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=48m") == 0;
  }

  // Submits until the disk is full and returns the ids.
  std::vector<std::string> fill(Store& store) {
    std::vector<std::string> ids;
    auto task = request();
    task.input = std::string(100'000, 'x');
    try {
      for (;;) ids.push_back(store.create(task, {}).task.id);
    } catch (const LimitReached& error) {
      if (error.limit() != LimitReached::Limit::disk) throw;
    }
    return ids;
  }

  // Nothing accepted is lost; reading, cancelling and removing go on; room is used again.
  void check_full_disk() {
    options_.ballast_bytes = 20 << 20;  // more than the log may grow to
    const auto store = open(file());
    auto ids = fill(*store);
    require(ids.size() > 50, "the disk holds some tasks");
    require(fill(*store).empty(), "nothing is taken in any more");
    require(store->cancel("acme", ids[0]) == State::failed, "a task can be cancelled");
    const auto claimed = store->claim("worker-1", {"wan2.2"});
    require(store->finish(claimed->lease, result()) == State::completed, "a task can be finished");

    // As long as there is room for the reserve and more, it is used.
    do store->tidy();
    while (add(ids, fill(*store)));
    for (const auto& id : ids) require(store->find("acme", id).has_value(), "a task is there");
    require(store->remove("acme", ids) == static_cast<int64_t>(ids.size()), "tasks can be removed");
    for (auto gone = store->expired_tasks(0); !gone.empty(); gone = store->expired_tasks(0)) {
      store->purge(gone);
    }
    // The room that they leave becomes the reserve again, step by step.
    for (int i = 0; i < 10; ++i) store->tidy();
    require(fill(*store).size() > 50, "new tasks are taken in again");
    require(store->check().empty(), "the database is whole");
    require(!store->has_failed(), "a full disk is no failed disk");
  }

  // Whether there was anything to add.
  static bool add(std::vector<std::string>& ids, const std::vector<std::string>& more) {
    ids.insert(ids.end(), more.begin(), more.end());
    return !more.empty();
  }

  static void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    ::_exit(1);
  }
};
INSTANTIATE_TEST_SUITE_P(On, FullDisk, testing::Values("sqlite"), test::database_name);

TEST_P(FullDisk, StopsNothingButNewTasks) {
  constexpr int kNotAllowed = 77;
  const auto child = ::fork();
  if (child == 0) {
    if (!mount_disk(folder_.path())) ::_exit(kNotAllowed);
    try {
      check_full_disk();
    } catch (const base::Error& error) {
      std::fprintf(stderr, "%s: %s\n", error.what(), error.detail().c_str());
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WEXITSTATUS(status) == kNotAllowed) GTEST_SKIP() << "no disk can be mounted here";
  EXPECT_EQ(status, 0);
}

TEST_P(FullDisk, IsNoticedBeforeItIsFull) {
  options_.disk_floor_bytes = std::numeric_limits<int64_t>::max() / 2;
  const auto store = open(file());
  EXPECT_TRUE(fill(*store).empty());
  store->credit("acme", 5, "all else goes on");
}

}  // namespace
}  // namespace tasks
