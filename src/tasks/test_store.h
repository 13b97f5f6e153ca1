// SPDX-License-Identifier: Apache-2.0
// For tests: a store of their own on each database, with time in their hands.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "tasks/store.h"
#include "tasks/test_postgres.h"

namespace tasks::test {

// Stands still until it is moved.
struct Time {
  std::atomic<int64_t> wall_ms = 1'770'000'000'000;
  std::atomic<int64_t> steady_ms = 5'000'000;

  base::Clock clock() {
    return {.wall = [this] { return wall_ms.load(); },
            .steady = [this] { return steady_ms.load(); }};
  }
  void advance(int64_t ms) {
    wall_ms += ms;
    steady_ms += ms;
  }
};

// A folder of its own, in memory where possible, removed with everything in it.
class Folder {
 public:
  Folder() {
    const bool in_memory = ::access("/dev/shm", W_OK) == 0;
    auto pattern = std::string(in_memory ? "/dev/shm" : "/tmp") + "/tasks_test_XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The parameter is the database.
constexpr const char* kDatabases[] = {"sqlite", "postgres"};

class StoreTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    options_.ballast_bytes = 0;
    options_.disk_floor_bytes = 0;
    options_.use_clock_of_database = false;
    if (is_sqlite()) {
      url_ = "sqlite:" + (folder_.path() / "store.db").string();
    } else if (auto* server = PostgresServer::get()) {
      url_ = server->new_schema();
    } else {
      GTEST_SKIP() << "PostgreSQL is not installed, or there is only root to run it";
    }
    open();
  }

  bool is_sqlite() const { return GetParam() == std::string("sqlite"); }

  Store& store() { return *store_; }

  // As after the end of the server: what the old one knew is in the database alone.
  void reopen() {
    store_.reset();
    open();
  }

  // A request like any other; its body is unlike any other's.
  NewTask request(const std::string& tenant = "acme", const std::string& key = "key-a") {
    return {.tenant = tenant,
            .key_id = key,
            .endpoint = "wan-2.2/t2v",
            .wire = "wavespeed",
            .weights = "wan2.2",
            .input = R"({"prompt":"a red ball"})",
            .request = R"({"steps":4})",
            .price_mills = 150,
            .body_hash = crypto::sha256_hex(base::text("body ", ++requests_))};
  }

  std::string submit(const NewTask& task) { return store().create(task, {}).task.id; }
  std::string submit() { return submit(request()); }

  Claim claim(const std::string& worker = "worker-1") {
    auto claim = store().claim(worker, {"wan2.2"});
    if (!claim) throw std::logic_error("there is nothing to claim");
    return *std::move(claim);
  }

  // A task that was submitted and claimed.
  Claim start(const NewTask& task) {
    submit(task);
    return claim();
  }
  Claim start() { return start(request()); }

  Task task(const std::string& id, const std::string& tenant = "acme") {
    return store().find(tenant, id).value();
  }
  State state_of(const std::string& id) { return task(id).state; }

  static Result result() {
    return {.outputs = {{.name = "video.mp4",
                         .media_type = "video/mp4",
                         .bytes = 1234,
                         .sha256 = crypto::sha256_hex("video")}},
            .seed = 42,
            .warnings = R"(["the size was rounded"])",
            .inference_ms = 2500};
  }

  Time time_;
  StoreOptions options_;
  Folder folder_;
  std::string url_;

 private:
  void open() { store_ = Store::open(url_, time_.clock(), options_); }

  std::unique_ptr<Store> store_;
  std::atomic<int> requests_ = 0;
};

inline std::string database_name(const testing::TestParamInfo<const char*>& database) {
  return database.param;
}

// The fault that `call` throws; the test fails when it throws none.
template <typename Call>
base::Fault fault_of(const Call& call) {
  try {
    call();
  } catch (const base::Error& error) {
    return error.fault();
  }
  ADD_FAILURE() << "no error was thrown";
  return base::Fault::internal;
}

}  // namespace tasks::test
