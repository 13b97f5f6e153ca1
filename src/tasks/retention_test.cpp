// SPDX-License-Identifier: Apache-2.0
#include "tasks/test_store.h"

namespace tasks {
namespace {

constexpr int64_t kWeek = int64_t{7} * 24 * 3600 * 1000;

class Retention : public test::StoreTest {
 protected:
  std::vector<std::string> expired() {
    std::vector<std::string> ids;
    for (const auto& task : store().expired_tasks(time_.wall_ms - kWeek)) ids.push_back(task.id);
    return ids;
  }
};
INSTANTIATE_TEST_SUITE_P(On, Retention, testing::ValuesIn(test::kDatabases), test::database_name);

using Ids = std::vector<std::string>;

TEST_P(Retention, CountsFromTheEndOfATask) {
  const auto waiting = submit();
  const auto claimed = claim();
  const auto other = submit();
  time_.advance(2 * kWeek);
  store().finish(claimed.lease, result());
  EXPECT_EQ(expired(), Ids{});
  time_.advance(kWeek + 1);
  EXPECT_EQ(expired(), Ids{waiting});
  EXPECT_EQ(state_of(other), State::created);
}

TEST_P(Retention, TakesRemovedTasksAtOnce) {
  const auto id = submit();
  store().remove("acme", {id});
  EXPECT_EQ(expired(), Ids{id});
}

TEST_P(Retention, ForgetsATaskWithAllThatBelongsToIt) {
  const auto claimed = start();
  store().finish(claimed.lease, result());
  time_.advance(kWeek + 1);
  const auto tasks = store().expired_tasks(time_.wall_ms - kWeek);
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].attempt, 1);
  store().purge(tasks);
  EXPECT_FALSE(store().find("acme", claimed.task.id));
  EXPECT_TRUE(store().events_after("acme", claimed.task.id, 0).empty());
  EXPECT_EQ(expired(), Ids{});
  // The money stays.
  EXPECT_EQ(store().balance("acme"), -150);
}

TEST_P(Retention, GoesInSmallSteps) {
  for (int i = 0; i < 5; ++i) store().cancel("acme", submit());
  const auto removed = submit();
  store().remove("acme", {removed});
  time_.advance(kWeek + 1);
  EXPECT_EQ(store().expired_tasks(time_.wall_ms - kWeek, 4).size(), 4u);
  for (int64_t left = 6; left > 0; left -= 2) {
    const auto step = store().expired_tasks(time_.wall_ms - kWeek, 2);
    EXPECT_EQ(step.size(), 2u);
    store().purge(step);
  }
  EXPECT_EQ(expired(), Ids{});
}

TEST_P(Retention, NeverForgetsWhatIsNotFinal) {
  const auto waiting = submit();
  const auto running = claim();
  store().purge({{.id = waiting}, {.id = running.task.id, .attempt = 1}});
  EXPECT_EQ(store().finish(running.lease, result()), State::completed);
}

}  // namespace
}  // namespace tasks
