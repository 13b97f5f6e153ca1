// SPDX-License-Identifier: Apache-2.0
#include "tasks/test_store.h"

namespace tasks {
namespace {

using base::Fault;
using test::fault_of;

class Cancel : public test::StoreTest {};
INSTANTIATE_TEST_SUITE_P(On, Cancel, testing::ValuesIn(test::kDatabases), test::database_name);

TEST_P(Cancel, FailsAWaitingTaskAtOnce) {
  const auto id = submit();
  EXPECT_EQ(store().cancel("acme", id), State::failed);
  EXPECT_EQ(task(id).error_code, "cancelled");
  EXPECT_EQ(task(id).attempt, 0);
  EXPECT_FALSE(store().claim("worker-1", {"wan2.2"}));
}

TEST_P(Cancel, AsksARunningTaskToStop) {
  const auto claimed = start();
  EXPECT_EQ(store().cancel("acme", claimed.task.id), State::processing);
  EXPECT_TRUE(task(claimed.task.id).cancel_requested);
  EXPECT_TRUE(store().heartbeat(claimed.lease, "").cancel_requested);
  EXPECT_EQ(store().fail(claimed.lease, {.kind = FailureClass::cancelled}), State::failed);
  EXPECT_EQ(task(claimed.task.id).error_code, "cancelled");
  EXPECT_EQ(store().balance("acme"), 0);
}

TEST_P(Cancel, DiscardsAResultThatComesTooLate) {
  const auto claimed = start();
  store().cancel("acme", claimed.task.id);
  EXPECT_EQ(store().finish(claimed.lease, result()), State::failed);
  EXPECT_EQ(task(claimed.task.id).error_code, "cancelled");
  EXPECT_TRUE(task(claimed.task.id).outputs.empty());
  EXPECT_FALSE(store().holds_files(claimed.task.id, 1));
  EXPECT_EQ(store().balance("acme"), 0);
}

TEST_P(Cancel, EndsWhatWouldElseBeTriedAgain) {
  for (const auto end : {0, 1, 2}) {
    const auto claimed = start();
    store().cancel("acme", claimed.task.id);
    if (end == 0) store().fail(claimed.lease, {.kind = FailureClass::upstream});
    if (end == 1) store().release(claimed.lease);
    if (end == 2) store().worker_gone("worker-1");
    EXPECT_EQ(task(claimed.task.id).error_code, "cancelled") << end;
  }
}

TEST_P(Cancel, LeavesAFinalTaskAsItIs) {
  const auto claimed = start();
  store().finish(claimed.lease, result());
  EXPECT_EQ(store().cancel("acme", claimed.task.id), State::completed);
  const auto other = submit();
  store().cancel("acme", other);
  EXPECT_EQ(store().cancel("acme", other), State::failed);
  EXPECT_EQ(store().events_after("acme", other, 0).size(), 2u);
}

TEST_P(Cancel, KnowsNoTaskOfAnotherTenant) {
  const auto id = submit();
  EXPECT_EQ(fault_of([&] { store().cancel("other", id); }), Fault::not_found);
  EXPECT_EQ(fault_of([&] { store().cancel("acme", "unknown"); }), Fault::not_found);
  EXPECT_EQ(state_of(id), State::created);
}

TEST_P(Cancel, IsNotWhatAWorkerMayClaimByItself) {
  const auto claimed = start();
  EXPECT_EQ(fault_of([&] { store().fail(claimed.lease, {.kind = FailureClass::cancelled}); }),
            Fault::invalid);
  EXPECT_EQ(state_of(claimed.task.id), State::processing);
}

TEST_P(Cancel, RemovesFinalAndWaitingTasks) {
  const auto done = start();
  store().finish(done.lease, result());
  const auto waiting = submit();
  EXPECT_EQ(store().remove("acme", {done.task.id, waiting, "unknown"}), 2);
  EXPECT_FALSE(store().find("acme", done.task.id));
  EXPECT_FALSE(store().find("acme", waiting));
  EXPECT_TRUE(store().events_after("acme", waiting, 0).empty());
  EXPECT_EQ(store().list("acme", {}).total, 0);
  EXPECT_EQ(store().remove("acme", {done.task.id, waiting}), 0);
  EXPECT_EQ(fault_of([&] { store().cancel("acme", waiting); }), Fault::not_found);
  EXPECT_FALSE(store().holds_files(done.task.id, 1));
  EXPECT_FALSE(store().claim("worker-1", {"wan2.2"}));
}

TEST_P(Cancel, RemovesARunningTaskWhenItHasStopped) {
  const auto claimed = start();
  EXPECT_EQ(store().remove("acme", {claimed.task.id}), 1);
  EXPECT_EQ(state_of(claimed.task.id), State::processing);
  EXPECT_EQ(store().list("acme", {}).total, 1);
  EXPECT_TRUE(store().heartbeat(claimed.lease, "").cancel_requested);
  store().release(claimed.lease);
  EXPECT_FALSE(store().find("acme", claimed.task.id));
}

TEST_P(Cancel, RemovesNothingOfAnotherTenant) {
  const auto id = submit();
  EXPECT_EQ(store().remove("other", {id}), 0);
  EXPECT_EQ(state_of(id), State::created);
}

TEST_P(Cancel, FreesWhatTheTaskHeld) {
  const Limits limits{.queued = 1, .spending_cap_mills = 150};
  for (int i = 0; i < 3; ++i) {
    store().cancel("acme", store().create(request(), limits).task.id);
  }
  store().create(request(), limits);
  const auto claimed = claim();
  store().cancel("acme", claimed.task.id);
  store().release(claimed.lease);
  EXPECT_NO_THROW(store().create(request(), limits));
}

}  // namespace
}  // namespace tasks
