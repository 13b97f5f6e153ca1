// SPDX-License-Identifier: Apache-2.0
#include "tasks/test_store.h"

namespace tasks {
namespace {

constexpr int64_t kDay = 86'400'000;

class Ledger : public test::StoreTest {
 protected:
  void run(const std::string& endpoint, int64_t price_mills) {
    auto task = request();
    task.endpoint = endpoint;
    task.price_mills = price_mills;
    store().finish(start(task).lease, result());
  }
};
INSTANTIATE_TEST_SUITE_P(On, Ledger, testing::ValuesIn(test::kDatabases), test::database_name);

TEST_P(Ledger, BalanceIsCreditsLessCharges) {
  EXPECT_EQ(store().balance("acme"), 0);
  store().credit("acme", 10'000, "a voucher");
  run("wan-2.2/t2v", 150);
  run("wan-2.2/t2v", 0);
  store().credit("other", 5, "");
  store().credit("acme", -50, "a correction");
  EXPECT_EQ(store().balance("acme"), 9800);
  EXPECT_EQ(store().balance("other"), 5);
}

TEST_P(Ledger, UsageIsByEndpointAndDay) {
  const int64_t today = time_.wall_ms / kDay * kDay;
  time_.wall_ms = today;
  run("wan-2.2/t2v", 150);
  run("wan-2.2/i2v", 200);
  time_.wall_ms = today + kDay - 1;
  run("wan-2.2/t2v", 0);
  time_.wall_ms = today + kDay;
  run("wan-2.2/t2v", 100);
  store().credit("acme", 1000, "");

  const auto usage = store().usage("acme", today, today + 2 * kDay);
  ASSERT_EQ(usage.size(), 3u);
  EXPECT_EQ(usage[0].endpoint, "wan-2.2/i2v");
  EXPECT_EQ(usage[0].day, today);
  EXPECT_EQ(usage[0].tasks, 1);
  EXPECT_EQ(usage[0].mills, 200);
  EXPECT_EQ(usage[1].endpoint, "wan-2.2/t2v");
  EXPECT_EQ(usage[1].tasks, 2);
  EXPECT_EQ(usage[1].mills, 150);
  EXPECT_EQ(usage[2].day, today + kDay);
  EXPECT_EQ(usage[2].mills, 100);

  EXPECT_EQ(store().usage("acme", today, today + kDay).size(), 2u);
  EXPECT_EQ(store().usage("acme", today + 1, today + kDay).size(), 1u);
  EXPECT_TRUE(store().usage("other", today, today + kDay).empty());
}

}  // namespace
}  // namespace tasks
