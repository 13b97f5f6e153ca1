// SPDX-License-Identifier: Apache-2.0
#include "tasks/test_store.h"

namespace tasks {
namespace {

using base::Fault;
using test::fault_of;

class Reading : public test::StoreTest {
 protected:
  std::vector<std::string> ids(const Filter& filter) {
    std::vector<std::string> found;
    for (const auto& task : store().list("acme", filter).tasks) found.push_back(task.id);
    return found;
  }
};
INSTANTIATE_TEST_SUITE_P(On, Reading, testing::ValuesIn(test::kDatabases), test::database_name);

using Ids = std::vector<std::string>;

TEST_P(Reading, FindsATaskForItsTenantAlone) {
  const auto id = submit();
  EXPECT_TRUE(store().find("acme", id));
  EXPECT_FALSE(store().find("other", id));
  EXPECT_FALSE(store().find("acme", ""));
  EXPECT_TRUE(store().events_after("other", id, 0).empty());
  EXPECT_EQ(store().queue_position("other", id), 0);
  EXPECT_EQ(store().list("other", {}).total, 0);
}

TEST_P(Reading, ListsTheNewestFirstPageByPage) {
  Ids submitted;
  for (int i = 0; i < 5; ++i) {
    submitted.insert(submitted.begin(), submit());
    if (i != 2) time_.advance(1000);
  }
  EXPECT_EQ(ids({}), submitted);
  EXPECT_EQ(ids({.page = 1, .page_size = 2}), (Ids{submitted[0], submitted[1]}));
  EXPECT_EQ(ids({.page = 3, .page_size = 2}), (Ids{submitted[4]}));
  EXPECT_EQ(ids({.page = 4, .page_size = 2}), Ids{});
  EXPECT_EQ(store().list("acme", {.page = 4, .page_size = 2}).total, 5);
}

TEST_P(Reading, ListsWhatTheFilterAsksFor) {
  const auto begin = time_.wall_ms.load();
  auto other = request();
  other.endpoint = "wan-2.1/t2v";
  const auto first = submit(other);
  time_.advance(1000);
  const auto second = submit();
  store().cancel("acme", second);
  time_.advance(1000);
  const auto third = submit();

  EXPECT_EQ(ids({.endpoint = "wan-2.1/t2v"}), Ids{first});
  EXPECT_EQ(ids({.state = "failed"}), Ids{second});
  EXPECT_EQ(ids({.state = "created"}), (Ids{third, first}));
  EXPECT_EQ(ids({.created_after = begin + 1000}), (Ids{third, second}));
  EXPECT_EQ(ids({.created_before = begin + 1000}), Ids{first});
  EXPECT_EQ(ids({.state = "created", .created_after = begin + 1}), Ids{third});
}

TEST_P(Reading, SaysEverythingThatIsWrongWithAFilter) {
  try {
    store().list("acme", {.page = 0, .page_size = 101, .state = "running"});
    FAIL() << "no error was thrown";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), Fault::invalid);
    EXPECT_STREQ(error.what(),
                 "page: 0 is not in 1 to 1000000\n"
                 "page_size: 101 is not in 1 to 100\n"
                 "status: \"running\" is not one of created, processing, completed, failed");
  }
}

TEST_P(Reading, ReplaysEventsFromAnyPointOn) {
  const auto claimed = start();
  store().release(claimed.lease);
  const auto all = store().events_after("acme", claimed.task.id, 0);
  ASSERT_EQ(all.size(), 3u);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].sequence, static_cast<int64_t>(i) + 1);
  EXPECT_EQ(all[2].data, R"({"reason":"released"})");
  const auto rest = store().events_after("acme", claimed.task.id, 2);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].name, "requeued");
}

TEST_P(Reading, TellsAWaitingTaskItsPlace) {
  const auto first = submit();
  const auto second = submit(request("other", "key-o"));
  auto urgent = request();
  urgent.priority = 1;
  const auto third = submit(urgent);
  auto elsewhere = request();
  elsewhere.weights = "wan2.1";
  submit(elsewhere);
  EXPECT_EQ(store().queue_position("acme", third), 1);
  EXPECT_EQ(store().queue_position("acme", first), 2);
  EXPECT_EQ(store().queue_position("other", second), 3);
  claim();
  EXPECT_EQ(store().queue_position("acme", third), 0);
  EXPECT_EQ(store().queue_position("acme", first), 1);
}

TEST_P(Reading, CountsPlacesNoFurtherThanAHundred) {
  std::vector<std::string> line(120);
  for (auto& id : line) id = submit();
  EXPECT_EQ(store().queue_position("acme", line[98]), 99);
  EXPECT_EQ(store().queue_position("acme", line[119]), 100);
}

TEST_P(Reading, CountsWhatWaitsAndRuns) {
  EXPECT_TRUE(store().queue_loads().empty());
  const auto begin = time_.wall_ms.load();
  submit();
  time_.advance(10);
  submit();
  auto other = request();
  other.weights = "wan2.1";
  submit(other);
  store().claim("worker-1", {"wan2.1"});
  const auto loads = store().queue_loads();
  ASSERT_EQ(loads.size(), 2u);
  EXPECT_EQ(loads[0].weights, "wan2.1");
  EXPECT_EQ(loads[0].queued, 0);
  EXPECT_EQ(loads[0].running, 1);
  EXPECT_EQ(loads[0].oldest_created_at, 0);
  EXPECT_EQ(loads[1].weights, "wan2.2");
  EXPECT_EQ(loads[1].queued, 2);
  EXPECT_EQ(loads[1].running, 0);
  EXPECT_EQ(loads[1].oldest_created_at, begin);
}

TEST_P(Reading, KnowsWhoseFilesAreWanted) {
  const auto first = start();
  EXPECT_TRUE(store().holds_files(first.task.id, 1));
  store().release(first.lease);
  EXPECT_FALSE(store().holds_files(first.task.id, 1));
  const auto second = claim();
  EXPECT_FALSE(store().holds_files(first.task.id, 1));
  EXPECT_TRUE(store().holds_files(first.task.id, 2));
  store().finish(second.lease, result());
  EXPECT_TRUE(store().holds_files(first.task.id, 2));
  EXPECT_FALSE(store().holds_files(first.task.id, 1));
  EXPECT_FALSE(store().holds_files("unknown", 1));
}

}  // namespace
}  // namespace tasks
