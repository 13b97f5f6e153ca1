// SPDX-License-Identifier: Apache-2.0
// What must hold when many threads use a store at once.
#include <atomic>
#include <barrier>
#include <mutex>
#include <set>
#include <thread>

#include "tasks/test_store.h"

namespace tasks {
namespace {

using base::Fault;

constexpr int kThreads = 8;

class Concurrency : public test::StoreTest {
 protected:
  // Threads that begin `work` at the same moment, each with its number.
  static void together(int threads, const std::function<void(int)>& work) {
    std::barrier begin(threads);
    std::vector<std::jthread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([&, i] {
        begin.arrive_and_wait();
        work(i);
      });
    }
  }

  // Whether `call` wins the race: it may be refused with a conflict, and with nothing else.
  static bool wins(const std::function<void()>& call) {
    try {
      call();
      return true;
    } catch (const base::Error& error) {
      EXPECT_EQ(error.fault(), Fault::conflict) << error.what();
      return false;
    }
  }
};
INSTANTIATE_TEST_SUITE_P(On, Concurrency, testing::ValuesIn(test::kDatabases), test::database_name);

TEST_P(Concurrency, ClaimersNeverShareATask) {
  constexpr int kTasks = 100;
  for (int i = 0; i < kTasks; ++i) {
    submit(request(base::text("tenant-", i % 3), base::text("key-", i % 5)));
  }
  std::mutex mutex;
  std::multiset<std::string> claimed;
  together(kThreads, [&](int thread) {
    while (const auto claim = store().claim(base::text("worker-", thread), {"wan2.2"})) {
      const std::scoped_lock lock(mutex);
      claimed.insert(claim->task.id);
    }
  });
  EXPECT_EQ(claimed.size(), static_cast<size_t>(kTasks));
  EXPECT_EQ(std::set(claimed.begin(), claimed.end()).size(), static_cast<size_t>(kTasks));
}

TEST_P(Concurrency, WorkersFinishEverythingThatIsSubmittedMeanwhile) {
  constexpr int kTasks = 200;
  std::atomic<int> finished = 0;
  together(kThreads, [&](int thread) {
    if (thread % 2 == 0) {
      for (int i = 0; i < kTasks / (kThreads / 2); ++i) {
        auto task = request("acme", base::text("key-", thread));
        store().create(task, {.running = 2});
      }
      return;
    }
    while (finished < kTasks) {
      const auto claim = store().claim(base::text("worker-", thread), {"wan2.2"});
      if (!claim) continue;
      store().heartbeat(claim->lease, R"({"step":1})");
      store().finish(claim->lease, result());
      ++finished;
    }
  });
  EXPECT_EQ(store().list("acme", {.state = "completed"}).total, kTasks);
  EXPECT_EQ(store().balance("acme"), -150 * kTasks);
}

TEST_P(Concurrency, AKeyNeverRunsMoreThanItMay) {
  for (int i = 0; i < 20; ++i) store().create(request(), {.running = 3});
  std::atomic<int> claimed = 0;
  together(kThreads, [&](int) {
    while (store().claim("worker-1", {"wan2.2"})) ++claimed;
  });
  EXPECT_EQ(claimed, 3);
}

TEST_P(Concurrency, AKeyNeverHasMoreWaitingThanItMay) {
  std::atomic<int> accepted = 0;
  std::vector<NewTask> requests;
  for (int i = 0; i < kThreads * 5; ++i) requests.push_back(request());
  together(kThreads, [&](int thread) {
    for (int i = 0; i < 5; ++i) {
      try {
        store().create(requests[static_cast<size_t>(thread * 5 + i)], {.queued = 7});
        ++accepted;
      } catch (const LimitReached&) {
      }
    }
  });
  EXPECT_EQ(accepted, 7);
  EXPECT_EQ(store().list("acme", {}).total, 7);
}

TEST_P(Concurrency, OneIdempotencyKeyMakesOneTask) {
  auto task = request();
  task.idempotency_key = "order 7";
  std::mutex mutex;
  std::set<std::string> ids;
  std::atomic<int> made = 0;
  together(kThreads, [&](int) {
    const auto submitted = store().create(task, {});
    if (!submitted.attached) ++made;
    const std::scoped_lock lock(mutex);
    ids.insert(submitted.task.id);
  });
  EXPECT_EQ(made, 1);
  EXPECT_EQ(ids.size(), 1u);
}

TEST_P(Concurrency, EitherTheRescueOrTheFinishWins) {
  for (int round = 0; round < 30; ++round) {
    const auto claimed = start();
    time_.advance(options_.lease_ms);
    std::atomic<bool> finished = false;
    std::atomic<size_t> rescued = 0;
    together(2, [&](int thread) {
      if (thread == 0) finished = wins([&] { store().finish(claimed.lease, result()); });
      if (thread == 1) rescued = store().rescue().size();
    });
    EXPECT_EQ(rescued, finished ? 0u : 1u);
    EXPECT_EQ(state_of(claimed.task.id), finished ? State::completed : State::created);
    if (!finished) store().finish(claim().lease, result());
  }
  EXPECT_EQ(store().balance("acme"), -150 * 30);
}

TEST_P(Concurrency, EitherTheCancelOrTheFinishWins) {
  int64_t completed = 0;
  for (int round = 0; round < 30; ++round) {
    const auto claimed = start();
    std::atomic<State> cancelled = State::created;
    std::atomic<State> finished = State::created;
    together(2, [&](int thread) {
      if (thread == 0) finished = store().finish(claimed.lease, result());
      if (thread == 1) cancelled = store().cancel("acme", claimed.task.id);
    });
    EXPECT_EQ(state_of(claimed.task.id), finished);
    EXPECT_EQ(cancelled, finished == State::completed ? State::completed : State::processing);
    if (finished == State::completed) ++completed;
  }
  EXPECT_EQ(store().balance("acme"), -150 * completed);
}

TEST_P(Concurrency, EitherTheCancelOrTheClaimComesFirst) {
  for (int round = 0; round < 30; ++round) {
    const auto id = submit();
    std::optional<Claim> claimed;
    std::atomic<State> cancelled = State::created;
    together(2, [&](int thread) {
      if (thread == 0) claimed = store().claim("worker-1", {"wan2.2"});
      if (thread == 1) cancelled = store().cancel("acme", id);
    });
    EXPECT_EQ(cancelled, claimed ? State::processing : State::failed);
    if (claimed) store().release(claimed->lease);
    EXPECT_EQ(task(id).error_code, "cancelled");
  }
}

TEST_P(Concurrency, TwoServersShareAPostgresAndNoFile) {
  if (is_sqlite()) {
    EXPECT_EQ(test::fault_of([&] { Store::open(url_, time_.clock(), options_); }), Fault::conflict);
    return;
  }
  const auto other = Store::open(url_, time_.clock(), options_);
  for (int i = 0; i < 50; ++i) submit();
  std::mutex mutex;
  std::set<std::string> claimed;
  together(kThreads, [&](int thread) {
    auto& server = thread % 2 == 0 ? store() : *other;
    while (const auto claim = server.claim("worker-1", {"wan2.2"})) {
      server.finish(claim->lease, result());
      const std::scoped_lock lock(mutex);
      EXPECT_TRUE(claimed.insert(claim->task.id).second);
    }
  });
  EXPECT_EQ(claimed.size(), 50u);
}

TEST_P(Concurrency, DeliveriesGoToOneSenderEach) {
  for (int i = 0; i < 20; ++i) {
    auto task = request();
    task.webhook_url = base::text("https://example.com/", i);
    store().cancel("acme", submit(task));
  }
  std::mutex mutex;
  std::multiset<std::string> sent;
  together(kThreads, [&](int) {
    for (auto due = store().claim_deliveries(3); !due.empty(); due = store().claim_deliveries(3)) {
      for (const auto& delivery : due) {
        store().delivery_done(delivery, {.status = 200});
        const std::scoped_lock lock(mutex);
        sent.insert(delivery.id);
      }
    }
  });
  EXPECT_EQ(sent.size(), 20u);
  EXPECT_EQ(std::set(sent.begin(), sent.end()).size(), 20u);
}

}  // namespace
}  // namespace tasks
