// SPDX-License-Identifier: Apache-2.0
#include "tasks/test_store.h"

namespace tasks {
namespace {

// What the store tells those who wait and those who count.
class Changes : public test::StoreTest {};
INSTANTIATE_TEST_SUITE_P(On, Changes, testing::ValuesIn(test::kDatabases), test::database_name);

TEST_P(Changes, AreTasksThatWait) {
  std::vector<std::string> told;
  options_.on_change = [&](const Change& change) {
    if (change.kind == Change::Kind::queue) told.push_back(change.task);
  };
  reopen();
  const auto id = submit();
  EXPECT_EQ(told, std::vector{id});
}

TEST_P(Changes, AreEndsOnceEach) {
  std::vector<std::string> told;
  options_.on_change = [&](const Change& change) {
    if (!change.ending) return;
    EXPECT_EQ(change.kind, Change::Kind::task);
    EXPECT_EQ(change.ending->endpoint, "wan-2.2/t2v");
    told.push_back(base::text(change.ending->outcome, ' ', change.ending->took_ms));
  };
  reopen();
  const auto completed = start();
  time_.advance(7'000);
  store().release(completed.lease);
  store().finish(claim().lease, result());
  store().fail(start().lease, {.kind = FailureClass::invalid_input});
  const auto waiting = submit();
  store().cancel("acme", waiting);
  store().cancel("acme", waiting);
  store().remove("acme", {waiting, submit()});
  const auto running = start();
  store().cancel("acme", running.task.id);
  store().worker_gone("worker-1");
  EXPECT_EQ(told,
            (std::vector<std::string>{
                "completed 7000", "failed 0", "cancelled 0", "cancelled 0", "cancelled 0"}));
}

}  // namespace
}  // namespace tasks
