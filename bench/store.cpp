// SPDX-License-Identifier: Apache-2.0
// How fast the task store is, without a server before it: durable submits, claims and finishes
// beside a long queue and a long history, reads, and how soon it is up.
//
//   ninja -C build store_bench
//   build/bin/store_bench sqlite FOLDER     measures a database in this folder
//   build/bin/store_bench postgres FOLDER   measures a PostgreSQL server with its data there
//   build/bin/store_bench fill FILE         only makes the SQLite database, for bench/server.py
//
// --history N and --queue N say what lies in the database (1,000,000 and 100,000).
#include "tasks/store.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "history.h"
#include "tasks/postgres_database.h"
#include "tasks/sqlite_database.h"
#include "tasks/test_postgres.h"

namespace {

using Clock = std::chrono::steady_clock;
using base::text;
using bench::submission;

constexpr std::string_view kSqlite = "sqlite:";
constexpr double kSeconds = 4;  // of each measure

struct Plan {
  std::string url;
  int64_t history = 1'000'000;
  int64_t queue = 100'000;
};

// ── the table ──

void print_row(const std::string& what, const std::string& measured, const std::string& goal) {
  std::printf("| %s | %s | %s |\n", what.c_str(), measured.c_str(), goal.c_str());
  std::fflush(stdout);
}

std::string per_second(double count) {
  return text(static_cast<int64_t>(count), " /s");
}

std::string with_decimals(double value, const char* unit) {
  char digits[64];
  std::snprintf(digits, sizeof digits, "%.2f %s", value, unit);
  return digits;
}

// ── measuring ──

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double seconds_of(const std::function<void()>& work) {
  const auto begin = Clock::now();
  work();
  return seconds_since(begin);
}

// Runs `work` in threads, each with its number, and returns the seconds until all are done.
double run_threads(int threads, const std::function<void(int)>& work) {
  return seconds_of([&] {
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) running.emplace_back([&work, i] { work(i); });
  });
}

// How often per second `work`, which gets the thread's number, is done by so many threads.
double rate_of(int threads, const std::function<void(int)>& work) {
  std::atomic<int64_t> done = 0;
  const auto begin = Clock::now();
  const double seconds = run_threads(threads, [&](int thread) {
    while (seconds_since(begin) < kSeconds) {
      work(thread);
      ++done;
    }
  });
  return static_cast<double>(done) / seconds;
}

// ── the database ──

std::unique_ptr<tasks::Store> open(const Plan& plan) {
  return tasks::Store::open(plan.url, base::system_clock(), {.disk_floor_bytes = 0});
}

std::unique_ptr<tasks::Database> open_database(const Plan& plan) {
  if (plan.url.starts_with(kSqlite)) {
    return std::make_unique<tasks::SqliteDatabase>(
        tasks::SqliteOptions{.file = plan.url.substr(kSqlite.size())}, base::system_clock());
  }
  return std::make_unique<tasks::PostgresDatabase>(
      plan.url, 8, base::system_clock(), tasks::PostgresDatabase::TimeOf::database);
}

// And waits until the disk has it: gigabytes on their way there hold up every commit.
void fill(const Plan& plan) {
  open(plan);  // makes the tables
  bench::fill(*open_database(plan), plan.history, plan.queue);
  ::sync();
}

// ── the measures ──

// What a durable transaction costs that does next to nothing: the floor of everything below that
// writes. One row of 1 KB.
void measure_commits(const Plan& plan) {
  const auto database = open_database(plan);
  database->run_write([](tasks::Connection& sql, tasks::Now) {
    sql.run("CREATE TABLE floor (word TEXT NOT NULL)");
  });
  for (const int threads : {1, 8}) {
    const auto rate = rate_of(threads, [&](int) {
      database->run_write([](tasks::Connection& sql, tasks::Now) {
        sql.run("INSERT INTO floor VALUES (:word)", {{"word", std::string(1000, 'w')}});
      });
    });
    print_row(text("floor: commits of one row, threads: ", threads), per_second(rate), "");
  }
  database->run_write([](tasks::Connection& sql, tasks::Now) { sql.run("DROP TABLE floor"); });
}

void measure_submits(tasks::Store& store) {
  std::atomic<int64_t> number = 0;
  for (const int threads : {8, 32}) {
    const auto rate = rate_of(threads, [&](int) { store.create(submission(number++), {}); });
    print_row(text("submits, threads: ", threads), per_second(rate), "2000 /s");
  }
}

// The latency counts from the moment at which the submit was to be sent.
void measure_submit_latency(tasks::Store& store) {
  constexpr int kThreads = 32;
  constexpr int kEach = 125 * static_cast<int>(kSeconds) / 4;
  const auto pause = std::chrono::milliseconds(kThreads);  // 1000 per second in all
  std::vector<double> milliseconds(kThreads * kEach);
  const auto begin = Clock::now() + std::chrono::milliseconds(50);
  run_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kEach; ++i) {
      const auto due = begin + i * pause + std::chrono::milliseconds(thread);
      std::this_thread::sleep_until(due);
      store.create(submission(thread), {});
      milliseconds[static_cast<size_t>(thread * kEach + i)] = seconds_since(due) * 1000;
    }
  });
  std::ranges::sort(milliseconds);
  const auto at = [&](size_t percent) { return milliseconds[milliseconds.size() * percent / 100]; };
  print_row("submits at 1000 /s, p50", with_decimals(at(50), "ms"), "");
  print_row("submits at 1000 /s, p99", with_decimals(at(99), "ms"), "20 ms");
}

void measure_work(tasks::Store& store) {
  const tasks::Result result = {.outputs = {{.name = "video.mp4",
                                             .media_type = "video/mp4",
                                             .bytes = 5'000'000,
                                             .sha256 = crypto::sha256_hex("video")}},
                                .seed = 1};
  for (const int workers : {1, 4, 8}) {
    const auto rate = rate_of(workers, [&](int thread) {
      const auto claim = store.claim(text("worker-", thread), {"wan2.2-t2v-a14b", "wan2.1-t2v"});
      store.finish(claim.value().lease, result);
    });
    print_row(text("claim and finish, workers: ", workers), per_second(rate), "1000 /s");
  }
}

void measure_reads(tasks::Store& store) {
  std::vector<std::string> ids;
  for (int64_t page = 1; page <= 100; ++page) {
    for (const auto& task : store.list("tenant-3", {.page = page, .state = "completed"}).tasks) {
      ids.push_back(task.id);
    }
  }
  for (const int threads : {1, 2, 16}) {
    std::vector<std::mt19937> random(static_cast<size_t>(threads));
    const auto rate = rate_of(threads, [&](int thread) {
      const auto& id = ids[random[static_cast<size_t>(thread)]() % ids.size()];
      if (!store.find("tenant-3", id)) throw std::logic_error("lost");
    });
    print_row(text("reads of a task, threads: ", threads), per_second(rate), "20000 /s");
  }
  const auto key = store.create_key({.tenant = "tenant-3", .name = "bench"});
  print_row("authentications, threads: 1",
            per_second(rate_of(1, [&](int) { store.authenticate(key); })),
            "");
  const auto milliseconds_of = [](const auto& work) {
    return with_decimals(seconds_of(work) * 1000, "ms");
  };
  print_row("first page of the history", milliseconds_of([&] { store.list("tenant-3", {}); }), "");
  print_row("lengths of the queues", milliseconds_of([&] { store.queue_loads(); }), "");
}

void measure(const Plan& plan) {
  std::printf("%ld finished tasks, %ld waiting ones of %d tenants\n\n",
              static_cast<long>(plan.history),
              static_cast<long>(plan.queue),
              bench::kTenants);
  print_row("what", "measured", "goal");
  print_row("---", "---", "---");
  const auto fill_seconds = seconds_of([&] { fill(plan); });
  print_row("filling it", with_decimals(fill_seconds, "s"), "");
  measure_commits(plan);
  std::unique_ptr<tasks::Store> store;
  print_row("start", with_decimals(seconds_of([&] { store = open(plan); }), "s"), "3 s");
  measure_submits(*store);
  measure_submit_latency(*store);
  measure_work(*store);
  measure_reads(*store);
  std::string damage;
  const auto check_seconds = seconds_of([&] { damage = store->check(); });
  print_row("check of the whole file" + damage, with_decimals(check_seconds, "s"), "");
}

int usage() {
  std::fprintf(stderr, "store_bench sqlite|postgres|fill PATH [--history N] [--queue N]\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2) return usage();
  const std::filesystem::path place = words[1];
  Plan plan;
  for (size_t i = 2; i + 1 < words.size(); i += 2) {
    if (words[i] == "--history") plan.history = std::stoll(words[i + 1]);
    if (words[i] == "--queue") plan.queue = std::stoll(words[i + 1]);
  }
  try {
    if (words[0] == "fill") {
      plan.url = text(kSqlite, place.string());
      fill(plan);
    } else if (words[0] == "sqlite") {
      plan.url = text(kSqlite, (place / "store.db").string());
      measure(plan);
    } else if (words[0] == "postgres") {
      using tasks::test::PostgresServer;
      const auto server = PostgresServer::make(place, PostgresServer::Fsync::on);
      if (!server) throw base::Error(base::Fault::not_found, "PostgreSQL is not installed");
      plan.url = server->new_schema();
      measure(plan);
    } else {
      return usage();
    }
    return 0;
  } catch (const base::Error& error) {
    std::fprintf(stderr, "%s: %s\n", error.what(), error.detail().c_str());
    return 1;
  }
}
