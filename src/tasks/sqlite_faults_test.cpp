// SPDX-License-Identifier: Apache-2.0
// A task's whole life while the n-th write to the disk fails, for every n: what was acknowledged
// must be there afterwards, and nothing else must have happened.
#include <cerrno>

#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/types.h>
#include <unistd.h>

#include "tasks/test_store.h"

namespace tasks {
namespace {

// SQLite's system calls that write are these as long as one lives. SQLite takes plain functions, so
// that they find their state in a global.
class FailingWrites {
 public:
  // Of the writes to come, the `first`-th and the `count` - 1 after it fail.
  FailingWrites(int first, int count, int reason) : first_(first), end_(first + count) {
    reason_ = reason;
    present_ = this;
    auto* system = sqlite_api::sqlite3_vfs_find(nullptr);
    const auto replace = [&](const char* name, auto* function) {
      system->xSetSystemCall(
          system, name, reinterpret_cast<sqlite_api::sqlite3_syscall_ptr>(function));
    };
    replace("write", &write);
    replace("pwrite", &pwrite);
    replace("pwrite64", &pwrite);
  }
  FailingWrites(const FailingWrites&) = delete;
  FailingWrites& operator=(const FailingWrites&) = delete;
  ~FailingWrites() {
    auto* system = sqlite_api::sqlite3_vfs_find(nullptr);
    for (const auto* name : {"write", "pwrite", "pwrite64"}) {
      system->xSetSystemCall(system, name, nullptr);
    }
    present_ = nullptr;
  }

  bool has_failed() const { return writes_ >= first_; }

 private:
  static bool fails() {
    const auto number = ++present_->writes_;
    errno = present_->reason_;
    return number >= present_->first_ && number < present_->end_;
  }
  static ssize_t write(int file, const void* bytes, size_t count) {
    return fails() ? -1 : ::write(file, bytes, count);
  }
  static ssize_t pwrite(int file, const void* bytes, size_t count, off_t at) {
    return fails() ? -1 : ::pwrite(file, bytes, count, at);
  }

  static inline FailingWrites* present_ = nullptr;
  int first_;
  int end_;
  int reason_ = 0;
  int writes_ = 0;
};

class Faults : public test::StoreTest {
 protected:
  // What the caller was told, as far as the life of the task went.
  struct Told {
    std::string id;
    State state = State::created;
    int64_t attempt = 0;
    bool was_refused = false;
  };

  Told live(Store& store) {
    Told told;
    try {
      auto task = request();
      task.webhook_url = "https://example.com/hook";
      told.id = store.create(task, {}).task.id;
      auto claimed = store.claim("worker-1", {"wan2.2"});
      told.state = State::processing;
      told.attempt = 1;
      store.heartbeat(claimed->lease, R"({"step":1})");
      store.release(claimed->lease);
      told.state = State::created;
      claimed = store.claim("worker-1", {"wan2.2"});
      told.state = State::processing;
      told.attempt = 2;
      store.tidy();
      store.finish(claimed->lease, result());
      told.state = State::completed;
    } catch (const base::Error&) {
      told.was_refused = true;
    }
    return told;
  }

  // The step that was refused may not have happened either.
  void check(Store& store, const Told& told) {
    EXPECT_EQ(store.check(), "");
    EXPECT_EQ(store.list("acme", {}).total, told.id.empty() ? 0 : 1);
    if (told.id.empty()) return;
    const auto task = store.find("acme", told.id).value();
    EXPECT_EQ(task.state, told.state);
    EXPECT_EQ(task.attempt, told.attempt);
    const bool is_completed = told.state == State::completed;
    EXPECT_EQ(task.outputs.size(), is_completed ? 1u : 0u);
    EXPECT_EQ(store.balance("acme"), is_completed ? -150 : 0);
    EXPECT_EQ(store.claim_deliveries(10).size(), is_completed ? 1u : 0u);
  }

  std::unique_ptr<Store> open(int number) {
    const auto file = folder_.path() / base::text(number, ".db");
    return Store::open("sqlite:" + file.string(), time_.clock(), options_);
  }
};
INSTANTIATE_TEST_SUITE_P(On, Faults, testing::Values("sqlite"), test::database_name);

TEST_P(Faults, LoseNothingWhenADiskFails) {
  int refused = 0;
  for (int n = 1;; ++n) {
    SCOPED_TRACE(base::text("write ", n, " fails"));
    Told told;
    bool has_failed = false;
    {
      const auto store = open(n);
      const FailingWrites failing(n, 1, EIO);
      told = live(*store);
      has_failed = failing.has_failed();
      EXPECT_EQ(store->has_failed(), told.was_refused);
      if (told.was_refused) {
        ++refused;
        // Not even what would work: it might rest on what did not.
        EXPECT_EQ(test::fault_of([&] { store->credit("acme", 1, ""); }), base::Fault::internal);
      }
    }
    check(*open(n), told);
    if (!has_failed || HasFailure()) break;
  }
  EXPECT_GT(refused, 20);
}

TEST_P(Faults, StopNothingWhenADiskIsFullAndThereIsAReserve) {
  options_.ballast_bytes = 1 << 20;
  for (int n = 1;; ++n) {
    SCOPED_TRACE(base::text("there is no room at write ", n));
    const auto store = open(n);
    Told told;
    bool has_failed = false;
    {
      const FailingWrites failing(n, 1, ENOSPC);
      told = live(*store);
      has_failed = failing.has_failed();
    }
    EXPECT_FALSE(told.was_refused);
    EXPECT_FALSE(store->has_failed());
    check(*store, told);
    if (!has_failed || HasFailure()) break;
  }
}

TEST_P(Faults, UndoWhatAFullDiskRefuses) {
  for (int n = 1;; ++n) {
    SCOPED_TRACE(base::text("there is no room from write ", n, " on"));
    const auto store = open(n);
    Told told;
    bool has_failed = false;
    {
      const FailingWrites failing(n, 1000, ENOSPC);
      told = live(*store);
      has_failed = failing.has_failed();
    }
    EXPECT_FALSE(store->has_failed());
    check(*store, told);
    if (!has_failed || HasFailure()) break;
  }
}

}  // namespace
}  // namespace tasks
