// SPDX-License-Identifier: Apache-2.0
#include "tasks/test_store.h"

namespace tasks {
namespace {

using base::Fault;
using test::fault_of;

constexpr int64_t kHour = 3'600'000;

class Deliveries : public test::StoreTest {
 protected:
  NewTask with_webhook(const std::string& url = "https://example.com/hook") {
    auto task = request();
    task.webhook_url = url;
    return task;
  }
  // A task with a webhook that has ended.
  std::string end(const std::string& url = "https://example.com/hook") {
    const auto claimed = start(with_webhook(url));
    store().finish(claimed.lease, result());
    return claimed.task.id;
  }
};
INSTANTIATE_TEST_SUITE_P(On, Deliveries, testing::ValuesIn(test::kDatabases), test::database_name);

TEST_P(Deliveries, AreMadeByEveryEnd) {
  const auto completed = end();
  const auto failed = start(with_webhook());
  store().fail(failed.lease, {.kind = FailureClass::internal});
  const auto cancelled = submit(with_webhook());
  store().cancel("acme", cancelled);
  const auto crashed = start(with_webhook());
  store().worker_gone("worker-1");
  claim();
  store().worker_gone("worker-1");

  std::vector<std::string> ended;
  for (;;) {
    const auto deliveries = store().claim_deliveries(10);
    if (deliveries.empty()) break;
    for (const auto& delivery : deliveries) {
      EXPECT_TRUE(is_final(delivery.task.state));
      ended.push_back(delivery.task.id);
      store().delivery_done(delivery, {.status = 200});
    }
  }
  EXPECT_EQ(ended, (std::vector{completed, failed.task.id, cancelled, crashed.task.id}));
}

TEST_P(Deliveries, AreNotMadeBeforeTheEndNorUnasked) {
  const auto claimed = start(with_webhook());
  EXPECT_TRUE(store().claim_deliveries(10).empty());
  store().release(claimed.lease);
  EXPECT_TRUE(store().claim_deliveries(10).empty());
  store().cancel("acme", claimed.task.id);
  EXPECT_EQ(store().claim_deliveries(10).size(), 1u);
  store().finish(start().lease, result());
  EXPECT_TRUE(store().claim_deliveries(10).empty());
}

TEST_P(Deliveries, CarryTheTaskAsItEnded) {
  const auto id = end();
  const auto deliveries = store().claim_deliveries(10);
  ASSERT_EQ(deliveries.size(), 1u);
  EXPECT_EQ(deliveries[0].url, "https://example.com/hook");
  EXPECT_EQ(deliveries[0].attempt, 1);
  EXPECT_EQ(deliveries[0].task.id, id);
  EXPECT_EQ(deliveries[0].task.outputs, result().outputs);
}

TEST_P(Deliveries, GoToOneSenderAtATime) {
  end();
  EXPECT_EQ(store().claim_deliveries(10).size(), 1u);
  EXPECT_TRUE(store().claim_deliveries(10).empty());
}

TEST_P(Deliveries, AreOverWhenReceived) {
  end();
  store().delivery_done(store().claim_deliveries(1).at(0), {.status = 204});
  time_.advance(100 * kHour);
  EXPECT_TRUE(store().claim_deliveries(10).empty());
}

TEST_P(Deliveries, AreOverWhenTheReceiverIsGone) {
  end();
  store().delivery_done(store().claim_deliveries(1).at(0), {.status = 410});
  time_.advance(100 * kHour);
  EXPECT_TRUE(store().claim_deliveries(10).empty());
}

TEST_P(Deliveries, ComeTenTimesWithGrowingPausesUnderOneId) {
  end();
  const int64_t pauses_s[] = {0, 5, 300, 1800, 7200, 18'000, 36'000, 50'400, 72'000, 86'400};
  std::string id;
  for (int attempt = 1; attempt <= 10; ++attempt) {
    time_.advance(pauses_s[attempt - 1] * 800 - 1);
    if (attempt > 1) {
      EXPECT_TRUE(store().claim_deliveries(1).empty()) << "too early: " << attempt;
    }
    time_.advance(pauses_s[attempt - 1] * 400 + 1);
    const auto deliveries = store().claim_deliveries(1);
    ASSERT_EQ(deliveries.size(), 1u) << attempt;
    EXPECT_EQ(deliveries[0].attempt, attempt);
    if (attempt == 1) id = deliveries[0].id;
    EXPECT_EQ(deliveries[0].id, id);
    store().delivery_done(deliveries[0], {.status = attempt % 2 == 0 ? 0 : 302});
  }
  time_.advance(100 * kHour);
  EXPECT_TRUE(store().claim_deliveries(1).empty());
}

TEST_P(Deliveries, HeedWhatTheReceiverAsksFor) {
  end();
  store().delivery_done(store().claim_deliveries(1).at(0),
                        {.status = 429, .retry_after_ms = 2 * kHour});
  time_.advance(2 * kHour - 1);
  EXPECT_TRUE(store().claim_deliveries(1).empty());
  time_.advance(1);
  store().delivery_done(store().claim_deliveries(1).at(0),
                        {.status = 503, .retry_after_ms = 1000 * kHour});
  time_.advance(24 * kHour);
  EXPECT_EQ(store().claim_deliveries(1).size(), 1u);
}

TEST_P(Deliveries, AreSentAnewWhenTheSenderIsLost) {
  end();
  const auto lost = store().claim_deliveries(1).at(0);
  time_.advance(60'000);
  const auto again = store().claim_deliveries(1).at(0);
  EXPECT_EQ(again.id, lost.id);
  EXPECT_EQ(again.attempt, 2);
  EXPECT_EQ(fault_of([&] { store().delivery_done(lost, {.status = 200}); }), Fault::conflict);
  store().delivery_done(again, {.status = 200});
}

TEST_P(Deliveries, AreDueAgainAfterARestart) {
  end();
  const auto lost = store().claim_deliveries(1).at(0);
  reopen();
  if (!is_sqlite()) time_.advance(60'000);
  EXPECT_EQ(store().claim_deliveries(1).at(0).id, lost.id);
}

TEST_P(Deliveries, AreGivenUpWhenTheTenthSenderIsLost) {
  end();
  for (int attempt = 1; attempt <= 10; ++attempt) {
    EXPECT_EQ(store().claim_deliveries(1).size(), 1u) << attempt;
    time_.advance(60'000);
  }
  EXPECT_TRUE(store().claim_deliveries(1).empty());
}

TEST_P(Deliveries, GoToOneUrlTwoAtATime) {
  for (int i = 0; i < 5; ++i) end("https://slow.example/");
  end("https://quick.example/");
  std::vector<std::string> urls;
  for (const auto& delivery : store().claim_deliveries(10)) urls.push_back(delivery.url);
  EXPECT_EQ(urls,
            (std::vector<std::string>{
                "https://slow.example/", "https://slow.example/", "https://quick.example/"}));
}

TEST_P(Deliveries, AreSentAgainWhenAskedFor) {
  const auto id = end();
  const auto first = store().claim_deliveries(1).at(0);
  store().delivery_done(first, {.status = 200});
  EXPECT_EQ(fault_of([&] { store().replay_delivery("other", id); }), Fault::not_found);
  store().replay_delivery("acme", id);
  const auto again = store().claim_deliveries(1).at(0);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.attempt, 1);
  EXPECT_EQ(fault_of([&] { store().replay_delivery("acme", submit()); }), Fault::not_found);
}

TEST_P(Deliveries, OutliveTheRemovalOfTheTask) {
  const auto id = end();
  store().remove("acme", {id});
  EXPECT_TRUE(store().expired_tasks(0).empty());
  store().delivery_done(store().claim_deliveries(1).at(0), {.status = 200});
  EXPECT_EQ(store().expired_tasks(0).size(), 1u);
}

TEST_P(Deliveries, HaveASecretForEachTenant) {
  const auto secret = store().webhook_secret("acme");
  EXPECT_TRUE(secret.starts_with("whsec_"));
  EXPECT_EQ(secret.size(), 6u + 44u);
  EXPECT_NE(store().webhook_secret("other"), secret);
  reopen();
  EXPECT_EQ(store().webhook_secret("acme"), secret);
}

}  // namespace
}  // namespace tasks
