// SPDX-License-Identifier: Apache-2.0
#include "tasks/test_store.h"

namespace tasks {
namespace {

using base::Fault;
using test::fault_of;

class Work : public test::StoreTest {
 protected:
  // What each of the next claims gets, tenant by tenant.
  std::string tenants_claimed(int count) {
    std::vector<std::string> tenants;
    for (int i = 0; i < count; ++i) tenants.push_back(claim().task.tenant);
    return base::join(tenants, " ");
  }
  std::vector<std::string> events_of(const std::string& id) {
    std::vector<std::string> names;
    for (const auto& event : store().events_after("acme", id, 0)) names.push_back(event.name);
    return names;
  }
};
INSTANTIATE_TEST_SUITE_P(On, Work, testing::ValuesIn(test::kDatabases), test::database_name);

using Names = std::vector<std::string>;

TEST_P(Work, ClaimsNothingWhereNothingWaits) {
  EXPECT_FALSE(store().claim("worker-1", {"wan2.2"}));
}

TEST_P(Work, GivesAClaimAllThatTheWorkerNeeds) {
  const auto id = submit();
  time_.advance(700);
  const auto claimed = claim("worker-1");
  EXPECT_EQ(claimed.task.id, id);
  EXPECT_EQ(claimed.task.state, State::processing);
  EXPECT_EQ(claimed.task.started_at, time_.wall_ms);
  EXPECT_EQ(claimed.request, R"({"steps":4})");
  EXPECT_EQ(claimed.lease.task, id);
  EXPECT_EQ(claimed.lease.attempt, 1);
  EXPECT_EQ(claimed.lease.token.size(), 32u);
  EXPECT_EQ(claimed.lease_ms, options_.lease_ms);
  EXPECT_EQ(claimed.out_of_memory, 0);
}

TEST_P(Work, GivesATaskToOneWorkerOnly) {
  submit();
  claim("worker-1");
  EXPECT_FALSE(store().claim("worker-2", {"wan2.2"}));
}

TEST_P(Work, GivesAWorkerOnlyWhatItHoldsTheWeightsOf) {
  auto other = request();
  other.weights = "wan2.1";
  const auto id = submit(other);
  EXPECT_FALSE(store().claim("worker-1", {"wan2.2", "wan2"}));
  EXPECT_EQ(store().claim("worker-1", {"wan2.2", "wan2.1"})->task.id, id);
}

TEST_P(Work, RefusesAClaimWithoutNameOrWeights) {
  EXPECT_EQ(fault_of([&] { store().claim("", {"wan2.2"}); }), Fault::invalid);
  EXPECT_EQ(fault_of([&] { store().claim("worker-1", {}); }), Fault::invalid);
}

TEST_P(Work, ClaimsTheOldestOfAKeyFirst) {
  const auto first = submit();
  const auto second = submit();
  EXPECT_EQ(claim().task.id, first);
  EXPECT_EQ(claim().task.id, second);
}

TEST_P(Work, ClaimsTheHighestPriorityFirst) {
  submit();
  auto urgent = request("other", "key-o");
  urgent.priority = 1;
  auto idle = request("third", "key-t");
  idle.priority = -1;
  submit(idle);
  submit(urgent);
  EXPECT_EQ(tenants_claimed(3), "other acme third");
}

TEST_P(Work, ServesTenantsInTurn) {
  for (int i = 0; i < 4; ++i) submit(request("acme", i % 2 == 0 ? "key-a" : "key-b"));
  submit(request("other", "key-o"));
  submit(request("other", "key-o"));
  submit(request("third", "key-t"));
  EXPECT_EQ(tenants_claimed(7), "acme other third acme other acme acme");
}

TEST_P(Work, ServesFirstWhoeverWasNotServedForLongest) {
  submit(request("acme", "key-a"));
  submit(request("other", "key-o"));
  EXPECT_EQ(tenants_claimed(2), "acme other");
  submit(request("other", "key-o"));
  submit(request("acme", "key-a"));
  submit(request("newcomer", "key-n"));
  EXPECT_EQ(tenants_claimed(3), "newcomer acme other");
}

TEST_P(Work, RunsNoMoreOfAKeyThanItMay) {
  const Limits one{.running = 1};
  store().create(request(), one);
  store().create(request(), one);
  store().create(request("acme", "key-b"), one);
  const auto first = claim();
  EXPECT_EQ(claim().task.key_id, "key-b");
  EXPECT_FALSE(store().claim("worker-1", {"wan2.2"}));
  store().finish(first.lease, result());
  EXPECT_EQ(claim().task.key_id, "key-a");
}

TEST_P(Work, HeedsALimitThatChangesFromTheNextSubmitOn) {
  store().create(request(), {.running = 1});
  store().create(request(), {.running = 1});
  claim();
  EXPECT_FALSE(store().claim("worker-1", {"wan2.2"}));
  store().create(request(), {.running = 2});
  EXPECT_TRUE(store().claim("worker-1", {"wan2.2"}));
}

TEST_P(Work, FinishesATaskWithItsOutputs) {
  const auto claimed = start();
  time_.advance(3000);
  EXPECT_EQ(store().finish(claimed.lease, result()), State::completed);
  reopen();
  const auto done = task(claimed.task.id);
  EXPECT_EQ(done.state, State::completed);
  EXPECT_EQ(done.finished_at, time_.wall_ms);
  EXPECT_EQ(done.outputs, result().outputs);
  EXPECT_EQ(done.seed, 42);
  EXPECT_EQ(done.warnings, result().warnings);
  EXPECT_EQ(done.inference_ms, 2500);
  EXPECT_EQ(done.error_code, "");
  EXPECT_EQ(events_of(done.id), (Names{"created", "processing", "completed"}));
}

TEST_P(Work, KeepsTheOrderOfOutputs) {
  const auto claimed = start();
  auto several = result();
  several.outputs = {};
  for (const auto* name : {"high_noise_lora", "low_noise_lora", "a"}) {
    several.outputs.push_back(result().outputs[0]);
    several.outputs.back().name = name;
  }
  store().finish(claimed.lease, several);
  EXPECT_EQ(task(claimed.task.id).outputs, several.outputs);
}

TEST_P(Work, EndsATaskOnceOnly) {
  const auto claimed = start();
  store().finish(claimed.lease, result());
  EXPECT_EQ(fault_of([&] { store().finish(claimed.lease, result()); }), Fault::conflict);
  EXPECT_EQ(fault_of([&] { store().fail(claimed.lease, {}); }), Fault::conflict);
  EXPECT_EQ(fault_of([&] { store().release(claimed.lease); }), Fault::conflict);
  EXPECT_EQ(fault_of([&] { store().heartbeat(claimed.lease, ""); }), Fault::conflict);
  EXPECT_EQ(state_of(claimed.task.id), State::completed);
}

TEST_P(Work, RefusesEveryWriteOfAStaleAttempt) {
  const auto stale = start();
  time_.advance(options_.lease_ms);
  ASSERT_EQ(store().rescue().size(), 1u);
  const auto fresh = claim("worker-2");
  ASSERT_EQ(fresh.task.id, stale.task.id);
  EXPECT_EQ(fresh.lease.attempt, 2);
  EXPECT_EQ(fault_of([&] { store().heartbeat(stale.lease, "{}"); }), Fault::conflict);
  EXPECT_EQ(fault_of([&] { store().finish(stale.lease, result()); }), Fault::conflict);
  EXPECT_EQ(fault_of([&] { store().fail(stale.lease, {}); }), Fault::conflict);
  EXPECT_EQ(fault_of([&] { store().release(stale.lease); }), Fault::conflict);
  EXPECT_EQ(store().finish(fresh.lease, result()), State::completed);
}

TEST_P(Work, RefusesALeaseThatIsWrongInAnyPart) {
  const auto claimed = start();
  auto wrong = claimed.lease;
  wrong.token = std::string(32, '0');
  EXPECT_EQ(fault_of([&] { store().finish(wrong, result()); }), Fault::conflict);
  wrong = claimed.lease;
  wrong.attempt = 2;
  EXPECT_EQ(fault_of([&] { store().heartbeat(wrong, ""); }), Fault::conflict);
  wrong = claimed.lease;
  wrong.task = std::string(32, '0');
  EXPECT_EQ(fault_of([&] { store().fail(wrong, {}); }), Fault::conflict);
  EXPECT_EQ(state_of(claimed.task.id), State::processing);
}

TEST_P(Work, LeavesNothingBehindOfARefusedFinish) {
  const auto claimed = start();
  auto broken = result();
  broken.outputs.push_back({.name = "video.mp4", .sha256 = "not a digest"});
  EXPECT_EQ(fault_of([&] { store().finish(claimed.lease, broken); }), Fault::internal);
  EXPECT_EQ(state_of(claimed.task.id), State::processing);
  EXPECT_EQ(store().balance("acme"), 0);
  EXPECT_EQ(events_of(claimed.task.id), (Names{"created", "processing"}));
  EXPECT_EQ(store().finish(claimed.lease, result()), State::completed);
}

TEST_P(Work, RenewsALeaseWithEveryHeartbeat) {
  const auto claimed = start();
  for (int i = 0; i < 10; ++i) {
    time_.advance(options_.lease_ms - 1);
    EXPECT_TRUE(store().rescue().empty());
    const auto beat = store().heartbeat(claimed.lease, "");
    EXPECT_EQ(beat.lease_ms, options_.lease_ms);
    EXPECT_FALSE(beat.cancel_requested);
  }
  time_.advance(options_.lease_ms);
  EXPECT_EQ(store().rescue().size(), 1u);
}

TEST_P(Work, NeitherEndsNorProlongsALeaseWhenTheWallClockJumps) {
  const auto claimed = start();
  time_.wall_ms += int64_t{400} * 24 * 3600 * 1000;
  EXPECT_TRUE(store().rescue().empty());
  time_.wall_ms -= int64_t{800} * 24 * 3600 * 1000;
  EXPECT_TRUE(store().rescue().empty());
  time_.steady_ms += options_.lease_ms;
  EXPECT_EQ(store().rescue().size(), 1u);
}

TEST_P(Work, LetsALateWorkerGoOnWhileNobodyElseHasTheTask) {
  const auto claimed = start();
  time_.advance(10 * options_.lease_ms);
  EXPECT_EQ(store().finish(claimed.lease, result()), State::completed);
  EXPECT_TRUE(store().rescue().empty());
}

TEST_P(Work, GivesEveryLeaseAFreshPeriodAfterARestartOfItsClock) {
  const auto claimed = start();
  time_.advance(10 * options_.lease_ms);
  time_.steady_ms = 17;  // the machine has restarted too
  reopen();
  // PostgreSQL's clock has gone on.
  if (!is_sqlite()) {
    EXPECT_EQ(store().rescue().size(), 1u);
    return;
  }
  EXPECT_TRUE(store().rescue().empty());
  EXPECT_FALSE(store().heartbeat(claimed.lease, "").cancel_requested);
  time_.advance(options_.lease_ms);
  EXPECT_EQ(store().rescue().size(), 1u);
}

TEST_P(Work, RescuesATaskOnceAndStopsItAtTheSecondCrash) {
  const auto first = start();
  time_.advance(options_.lease_ms);
  auto rescued = store().rescue();
  ASSERT_EQ(rescued.size(), 1u);
  EXPECT_EQ(rescued[0].task, first.task.id);
  EXPECT_EQ(rescued[0].attempt, 1);
  EXPECT_EQ(rescued[0].state, State::created);

  claim("worker-2");
  time_.advance(options_.lease_ms);
  rescued = store().rescue();
  ASSERT_EQ(rescued.size(), 1u);
  EXPECT_EQ(rescued[0].state, State::failed);
  EXPECT_EQ(task(first.task.id).error_code, "worker_crashed");
  EXPECT_EQ(events_of(first.task.id),
            (Names{"created", "processing", "requeued", "processing", "failed"}));
}

TEST_P(Work, TakesTheTasksOfAWorkerThatIsGoneAtOnce) {
  submit();
  submit();
  submit();
  const auto first = claim("worker-1");
  const auto second = claim("worker-2");
  const auto third = claim("worker-1");
  EXPECT_EQ(store().worker_gone("worker-1").size(), 2u);
  EXPECT_EQ(state_of(first.task.id), State::created);
  EXPECT_EQ(state_of(second.task.id), State::processing);
  EXPECT_EQ(state_of(third.task.id), State::created);
  EXPECT_TRUE(store().worker_gone("worker-1").empty());
}

TEST_P(Work, FailsForGoodWhatCannotSucceed) {
  for (const auto kind :
       {FailureClass::invalid_input, FailureClass::content_refused, FailureClass::internal}) {
    const auto claimed = start();
    EXPECT_EQ(store().fail(claimed.lease,
                           {.kind = kind, .message = "no such frame", .detail = "frame 81"}),
              State::failed);
    const auto failed = task(claimed.task.id);
    EXPECT_EQ(failed.error_code, name_of(kind));
    EXPECT_EQ(failed.error_message, "no such frame");
    EXPECT_EQ(failed.finished_at, time_.wall_ms);
  }
  EXPECT_EQ(store().balance("acme"), 0);
}

TEST_P(Work, KeepsTheCodeOfTheWorker) {
  const auto claimed = start();
  store().fail(claimed.lease, {.kind = FailureClass::invalid_input, .code = "image_unreadable"});
  EXPECT_EQ(task(claimed.task.id).error_code, "image_unreadable");
  EXPECT_NE(task(claimed.task.id).error_message, "");
}

TEST_P(Work, TriesAgainOnceWhenTheGpuIsOutOfMemory) {
  const auto first = start();
  EXPECT_EQ(store().fail(first.lease, {.kind = FailureClass::gpu_oom}), State::created);
  const auto second = claim();
  EXPECT_EQ(second.out_of_memory, 1);
  EXPECT_EQ(store().fail(second.lease, {.kind = FailureClass::gpu_oom}), State::failed);
  EXPECT_EQ(task(first.task.id).error_code, "gpu_oom");
}

TEST_P(Work, CountsABrokenGpuAsACrash) {
  const auto first = start();
  EXPECT_EQ(store().fail(first.lease, {.kind = FailureClass::gpu_sticky}), State::created);
  claim();
  time_.advance(options_.lease_ms);
  EXPECT_EQ(store().rescue().at(0).state, State::failed);
}

TEST_P(Work, WaitsBeforeItTriesAgainWhatIsOutOfReach) {
  const auto first = start();
  EXPECT_EQ(store().fail(first.lease, {.kind = FailureClass::upstream}), State::created);
  time_.advance(9'999);
  EXPECT_FALSE(store().claim("worker-1", {"wan2.2"}));
  time_.advance(1);
  EXPECT_EQ(store().fail(claim().lease, {.kind = FailureClass::exhausted}), State::created);
  time_.advance(60'000);
  EXPECT_EQ(store().fail(claim().lease, {.kind = FailureClass::upstream}), State::failed);
}

TEST_P(Work, DoesNotHoldUpOthersWhileATaskWaitsToBeTriedAgain) {
  const auto first = start();
  store().fail(first.lease, {.kind = FailureClass::upstream});
  const auto second = submit();
  EXPECT_EQ(claim().task.id, second);
}

TEST_P(Work, ReleasesATaskWithoutCost) {
  const auto id = submit();
  const auto later = submit();
  for (int attempt = 1; attempt <= 10; ++attempt) {
    const auto claimed = claim();
    EXPECT_EQ(claimed.task.id, id);
    EXPECT_EQ(claimed.lease.attempt, attempt);
    EXPECT_EQ(store().release(claimed.lease), State::created);
  }
  // Three failures are still what it may have.
  EXPECT_EQ(store().fail(claim().lease, {.kind = FailureClass::gpu_oom}), State::created);
  EXPECT_EQ(store().fail(claim().lease, {.kind = FailureClass::gpu_sticky}), State::created);
  EXPECT_EQ(store().finish(claim().lease, result()), State::completed);
  EXPECT_EQ(claim().task.id, later);
}

TEST_P(Work, KeepsTheEventsOfATaskThatIsReleasedForEverWithinBounds) {
  const auto id = submit();
  for (int i = 0; i < 100; ++i) store().release(claim().lease);
  const auto events = store().events_after("acme", id, 0);
  EXPECT_LE(events.size(), 33u);
  EXPECT_EQ(events.back().name, "requeued");
  EXPECT_EQ(events.back().sequence, 201);
}

TEST_P(Work, TellsProgressAsTheLatestEvent) {
  const auto claimed = start();
  store().heartbeat(claimed.lease, R"({"step":1})");
  store().heartbeat(claimed.lease, R"({"step":2})");
  store().heartbeat(claimed.lease, R"({"step":2})");
  store().heartbeat(claimed.lease, "");
  EXPECT_EQ(task(claimed.task.id).progress, R"({"step":2})");
  const auto events = store().events_after("acme", claimed.task.id, 2);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].name, "progress");
  EXPECT_EQ(events[0].data, R"({"step":2})");
  EXPECT_EQ(events[0].sequence, 4);
  EXPECT_EQ(events[0].at, time_.wall_ms);
  EXPECT_TRUE(store().events_after("acme", claimed.task.id, 4).empty());

  store().finish(claimed.lease, result());
  const auto rest = store().events_after("acme", claimed.task.id, 4);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].name, "completed");
  EXPECT_EQ(rest[0].sequence, 5);
}

TEST_P(Work, BeginsANewAttemptWithoutTheProgressOfTheLast) {
  const auto claimed = start();
  store().heartbeat(claimed.lease, R"({"step":30})");
  store().fail(claimed.lease, {.kind = FailureClass::gpu_oom});
  EXPECT_EQ(task(claimed.task.id).progress, "");
  EXPECT_EQ(claim().task.progress, "");
  EXPECT_EQ(events_of(claimed.task.id), (Names{"created", "processing", "requeued", "processing"}));
}

TEST_P(Work, ChargesForCompletedTasksAlone) {
  store().finish(start().lease, result());
  store().fail(start().lease, {.kind = FailureClass::internal});
  store().release(start().lease);
  EXPECT_EQ(store().balance("acme"), -150);
}

}  // namespace
}  // namespace tasks
