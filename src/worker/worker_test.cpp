// SPDX-License-Identifier: Apache-2.0
#include "worker/worker.h"

#include <fstream>
#include <new>

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "worker/fake_server.h"

namespace {

namespace fs = std::filesystem;
using base::Fault;
using pipelines::Phase;
using worker::FakeServer;
using worker::Lease;
using worker::Made;
using worker::Task;

using Calls = std::vector<std::string>;

struct Working {
  FakeServer fake;
  fs::path scratch;
  bool is_alive = true;  // the GPU
  std::function<Made(Lease&)> run = [](Lease&) { return Made{}; };

  explicit Working(int tasks = 1) {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    scratch = fs::temp_directory_path() / (std::string("zoetrope_worker_") + test->name());
    fs::remove_all(scratch);
    fs::create_directories(scratch);
    for (int i = 0; i < tasks; ++i) {
      fake.tasks.push_back({.id = "task" + std::to_string(i), .attempt = 1});
    }
  }
  ~Working() { fs::remove_all(scratch); }

  int work() {
    worker::Settings settings{.name = "test",
                              .weights = {"wan2.1-t2v-1.3b"},
                              .scratch = scratch,
                              .run =
                                  [this](const Task&, const fs::path& folder, Lease& lease) {
                                    std::ofstream(folder / "left.tmp") << "left behind";
                                    const auto made = run(lease);
                                    for (const auto& file : made.files)
                                      std::ofstream(folder / file.name) << "a video";
                                    return made;
                                  },
                              .is_device_alive = [this] { return is_alive; },
                              .is_ending = [this] { return fake.is_over; },
                              .log = [this](const std::string& line) { fake.log.push_back(line); }};
    const auto code = worker::Worker(settings, fake.server(), fake.time()).work();
    EXPECT_TRUE(fs::is_empty(scratch)) << "files of a task must go with it";
    return code;
  }
};

Made one_file() {
  return {.files = {{"video.mp4", "video/mp4"}},
          .seed = 7,
          .warnings = {"a warning"},
          .inference = std::chrono::milliseconds(1234)};
}

TEST(Worker, HandsOverWhatATaskHasMade) {
  Working one;
  one.run = [](Lease&) { return one_file(); };
  one.fake.tasks.front().warnings = {"one of the server"};
  EXPECT_EQ(one.work(), 0);
  EXPECT_EQ(one.fake.calls, (Calls{"put video.mp4", "finish"}));
  EXPECT_EQ(one.fake.uploaded, Calls{"a video"});
  const auto& result = one.fake.results.at(0);
  EXPECT_EQ(result.files.at(0).media_type, "video/mp4");
  EXPECT_EQ(result.files.at(0).bytes, 7u);
  EXPECT_EQ(result.files.at(0).sha256, crypto::sha256_hex("a video"));
  EXPECT_EQ(result.seed, 7u);
  EXPECT_EQ(result.warnings, (Calls{"one of the server", "a warning"}));
  EXPECT_EQ(result.inference.count(), 1234);
}

TEST(Worker, WorksOnOneTaskAfterTheOther) {
  Working one(3);
  one.work();
  EXPECT_EQ(one.fake.calls, (Calls{"finish", "finish", "finish"}));
  EXPECT_EQ(one.fake.claims, 4) << "and asks again";
}

TEST(Worker, TellsWhereItIsByHeartbeats) {
  Working one;
  one.run = [&](Lease& lease) {
    lease.report(Phase::text, 1, 1);
    one.fake.pass(6'000);
    lease.report(Phase::denoise, 5, 10);
    one.fake.pass(5'000);
    return Made{};
  };
  one.work();
  EXPECT_EQ(one.fake.calls, (Calls{"heartbeat text", "heartbeat denoise", "finish"}));
  EXPECT_EQ(one.fake.progress.at(1).step, 5);
  EXPECT_EQ(one.fake.progress.at(1).steps, 10);
}

// ── not wanted any more ─────────────────────────────────────────────────────────────────────────

// Twenty steps of three seconds each, and what happens at one of them.
auto steps(FakeServer& fake, std::function<void(int step)> happens, int& reached) {
  return [&fake, &reached, happens = std::move(happens)](Lease& lease) {
    for (int step = 0; step < 20; ++step) {
      reached = step;
      lease.report(Phase::denoise, step, 20);
      happens(step);
      fake.pass(3'000);
    }
    lease.report(Phase::decode, 0, 1);
    return one_file();
  };
}

TEST(Worker, StopsBetweenTwoStepsWhenTheTaskIsCancelled) {
  Working one;
  int reached = 0;
  one.run = steps(
      one.fake, [&](int step) { one.fake.wish.cancel = step == 4; }, reached);
  EXPECT_EQ(one.work(), 0);
  EXPECT_EQ(reached, 5) << "a heartbeat after the fourth step says so";
  EXPECT_EQ(one.fake.calls.back(), "release");
  EXPECT_TRUE(one.fake.results.empty());
}

TEST(Worker, DropsTheWorkWhenTheServerSaysThatTheLeaseIsLost) {
  Working one;
  int reached = 0;
  one.run = steps(
      one.fake, [&](int step) { one.fake.is_lost = step >= 4; }, reached);
  EXPECT_EQ(one.work(), 0);
  EXPECT_EQ(reached, 5);
  EXPECT_EQ(one.fake.calls.back(), "heartbeat denoise") << "and says no more about it";
  EXPECT_EQ(one.fake.log.back(), "task task0, attempt 1: stopped; the task is not ours any more");
}

TEST(Worker, StopsByItselfAfterTwentySecondsWithoutALease) {
  Working one;
  int reached = 0;
  const auto at_second_step = [&](int step) {
    if (step == 2) one.fake.away_until = one.fake.now + 60'000;
  };
  one.run = steps(one.fake, at_second_step, reached);
  one.work();
  // The last heartbeat that was answered set out at 5 s; a step is reported every 3 s.
  EXPECT_EQ(reached, 9) << "27 s after the beginning, 22 s after that heartbeat";
  EXPECT_EQ(one.fake.calls, Calls{"heartbeat denoise"});
}

TEST(Worker, GoesOnWhenTheServerWasAwayForLessThanThat) {
  Working one;
  int reached = 0;
  const auto at_second_step = [&](int step) {
    if (step == 2) one.fake.away_until = one.fake.now + 18'000;
  };
  one.run = steps(one.fake, at_second_step, reached);
  one.work();
  EXPECT_EQ(reached, 19);
  EXPECT_EQ(one.fake.calls.back(), "finish");
}

// ── told to end ─────────────────────────────────────────────────────────────────────────────────

TEST(Worker, GivesBackWhatItWorksOnWhenItIsToldToEnd) {
  Working one(2);
  int reached = 0;
  one.run = steps(
      one.fake, [&](int step) { one.fake.is_over = step == 4; }, reached);
  EXPECT_EQ(one.work(), 0);
  EXPECT_EQ(reached, 5);
  EXPECT_EQ(one.fake.calls.back(), "release");
  EXPECT_EQ(one.fake.claims, 1);
}

TEST(Worker, GivesBackWhatItWorksOnWhenTheServerDrains) {
  Working one(2);
  int reached = 0;
  one.run = steps(
      one.fake, [&](int step) { one.fake.wish.drain = step == 4; }, reached);
  EXPECT_EQ(one.work(), 0);
  EXPECT_EQ(one.fake.calls.back(), "release");
  EXPECT_EQ(one.fake.claims, 1) << "and claims nothing any more";
}

TEST(Worker, FinishesWhatIsOnlyToBeDecodedWhenItIsToldToEnd) {
  Working one(2);
  one.run = [&](Lease& lease) {
    lease.report(Phase::decode, 0, 2);
    one.fake.is_over = true;
    lease.report(Phase::decode, 1, 2);
    lease.report(Phase::decode, 2, 2);
    return one_file();
  };
  EXPECT_EQ(one.work(), 0);
  EXPECT_EQ(one.fake.calls, (Calls{"put video.mp4", "finish"}));
}

TEST(Worker, GivesBackATaskThatCameAfterItWasToldToEnd) {
  Working one;
  bool has_run = false;
  one.run = [&](Lease&) { return has_run = true, Made{}; };
  one.fake.is_over_after_claim = true;
  EXPECT_EQ(one.work(), 0);
  EXPECT_FALSE(has_run);
  EXPECT_EQ(one.fake.calls, Calls{"release"});
}

// ── failures ────────────────────────────────────────────────────────────────────────────────────

TEST(Worker, SaysWhyATaskFailed) {
  const std::pair<std::function<void()>, std::string> cases[] = {
      {[] { throw base::Error(Fault::invalid, "bad"); }, "invalid_input"},
      {[] { throw base::Error(Fault::exhausted, "too large"); }, "gpu_oom"},
      {[] { throw base::Error(Fault::upstream, "away"); }, "upstream"},
      {[] { throw base::Error(Fault::internal, "ours"); }, "internal"},
      {[] { throw base::Error(Fault::not_found, "gone"); }, "internal"},
      {[] { throw std::bad_alloc(); }, "gpu_oom"},
      {[] { throw std::runtime_error("what?"); }, "internal"},
      {[] { TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory"); }, "gpu_oom"}};
  for (const auto& [happens, expected] : cases) {
    Working one;
    one.run = [&](Lease&) { return happens(), Made{}; };
    EXPECT_EQ(one.work(), 0);
    EXPECT_EQ(one.fake.calls, Calls{"fail " + expected});
  }
}

TEST(Worker, TellsStrangersErrorsToTheOperatorOnly) {
  Working one;
  one.run = [](Lease&) -> Made { throw std::runtime_error("address 0x7f00"); };
  one.work();
  EXPECT_EQ(one.fake.reported.at(0).message, "internal error");
  EXPECT_EQ(one.fake.reported.at(0).detail, "address 0x7f00");
}

TEST(Worker, GoesOnAfterAFailure) {
  Working one(2);
  one.run = [&](Lease&) -> Made {
    if (one.fake.calls.empty()) throw base::Error(Fault::invalid, "bad");
    return {};
  };
  one.work();
  EXPECT_EQ(one.fake.calls, (Calls{"fail invalid_input", "finish"}));
}

TEST(Worker, EndsWhenItsGpuIsLost) {
  Working one(2);
  one.is_alive = false;
  one.run = [](Lease&) -> Made { throw std::runtime_error("an illegal memory access"); };
  EXPECT_EQ(one.work(), worker::kGpuLost);
  EXPECT_EQ(one.fake.calls, Calls{"fail gpu_sticky"});
  EXPECT_EQ(one.fake.claims, 1);
}

// ── a server that is away ───────────────────────────────────────────────────────────────────────

TEST(Worker, WaitsForAServerThatIsAway) {
  Working one;
  one.fake.failures = 6;
  one.work();
  EXPECT_EQ(one.fake.pauses, (std::vector<int>{250, 500, 1000, 2000, 2000, 2000}));
  EXPECT_EQ(one.fake.calls, Calls{"finish"});
  EXPECT_EQ(one.fake.log.at(0), "the server does not answer, trying on: the server is away");
  EXPECT_EQ(one.fake.log.at(1), "the server answers again");
}

TEST(Worker, HandsOverAsSoonAsTheServerIsBack) {
  Working one;
  one.run = [&](Lease&) {
    one.fake.failures = 3;
    return one_file();
  };
  one.work();
  EXPECT_EQ(one.fake.calls, (Calls{"put video.mp4", "finish"}));
}

TEST(Worker, DropsItsResultsWhenTheServerStaysAway) {
  Working one;
  one.run = [&](Lease&) {
    one.fake.away_until = one.fake.now + 60'000;
    return one_file();
  };
  one.work();
  EXPECT_TRUE(one.fake.calls.empty());
  EXPECT_EQ(one.fake.log.at(1), "task task0, attempt 1: stopped; the task is not ours any more");
}

TEST(Worker, DropsItsResultsWhenTheyAreNotWantedAnyMore) {
  Working one;
  one.run = [&](Lease&) {
    one.fake.is_lost = true;
    return one_file();
  };
  one.work();
  EXPECT_EQ(one.fake.calls, Calls{"put video.mp4"});
}

TEST(Worker, EndsWhenTheServerRefusesIt) {
  FakeServer fake;
  auto server = fake.server();
  server.claim = [](const worker::Claim&) -> std::optional<Task> {
    throw base::Error(Fault::unauthorized, "no valid key");
  };
  const worker::Settings settings{.is_ending = [] { return false; }};
  EXPECT_THROW(worker::Worker(settings, server, fake.time()).work(), base::Error);
}

}  // namespace
