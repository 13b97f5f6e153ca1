// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "tasks/test_store.h"

namespace tasks {
namespace {

using base::Fault;
using test::fault_of;
using Limit = LimitReached::Limit;

class Submit : public test::StoreTest {
 protected:
  // Which limit refuses the task.
  std::optional<Limit> limit_of(const NewTask& task, const Limits& limits) {
    try {
      store().create(task, limits);
      return std::nullopt;
    } catch (const LimitReached& error) {
      return error.limit();
    }
  }
};
INSTANTIATE_TEST_SUITE_P(On, Submit, testing::ValuesIn(test::kDatabases), test::database_name);

TEST_P(Submit, GivesIdsThatFollowTheTime) {
  const auto first = submit();
  time_.advance(1);
  const auto second = submit();
  EXPECT_EQ(first.size(), 32u);
  EXPECT_EQ(second.size(), 32u);
  EXPECT_LT(first, second);
  EXPECT_NE(first.substr(12), second.substr(12));
}

TEST_P(Submit, KeepsEverythingThatWasSubmitted) {
  auto wanted = request();
  wanted.priority = 3;
  wanted.webhook_url = "https://example.com/hook";
  const auto submitted = store().create(wanted, {});
  EXPECT_FALSE(submitted.attached);
  reopen();
  const auto kept = task(submitted.task.id);
  EXPECT_EQ(kept.tenant, "acme");
  EXPECT_EQ(kept.key_id, "key-a");
  EXPECT_EQ(kept.endpoint, wanted.endpoint);
  EXPECT_EQ(kept.wire, wanted.wire);
  EXPECT_EQ(kept.weights, wanted.weights);
  EXPECT_EQ(kept.input, wanted.input);
  EXPECT_EQ(kept.price_mills, 150);
  EXPECT_EQ(kept.priority, 3);
  EXPECT_EQ(kept.webhook_url, wanted.webhook_url);
  EXPECT_EQ(kept.state, State::created);
  EXPECT_EQ(kept.attempt, 0);
  EXPECT_EQ(kept.created_at, time_.wall_ms);
  EXPECT_EQ(kept.finished_at, 0);
  EXPECT_EQ(kept.warnings, "[]");
  EXPECT_TRUE(kept.outputs.empty());
}

TEST_P(Submit, KeepsTextsOfAnyKind) {
  auto wanted = request();
  wanted.input =
      "{\"prompt\":\"'; DROP TABLE task; -- :name \\\\ \\u0000 \xF0\x9F\x8E\xA5 $1 %s\"}";
  wanted.request = std::string(2 << 20, 'x');
  EXPECT_EQ(store().create(wanted, {}).task.input, wanted.input);
  EXPECT_EQ(claim().request, wanted.request);
}

TEST_P(Submit, GivesEachTaskAnIdOf32HexDigits) {
  std::set<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    const auto id = submit();
    EXPECT_EQ(id.size(), 32u);
    EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 50u);
}

TEST_P(Submit, MakesTwoTasksOfOneBodyThatIsSentTwice) {
  const auto wanted = request();
  EXPECT_NE(submit(wanted), submit(wanted));
}

TEST_P(Submit, AnswersARepetitionAfterALostReplyWithTheFirstTask) {
  const auto wanted = request();
  const auto first = submit(wanted);
  store().reply_lost("acme", first);
  const auto again = store().create(wanted, {});
  EXPECT_TRUE(again.attached);
  EXPECT_EQ(again.task.id, first);
  // That reply arrived: what comes now is meant.
  EXPECT_NE(submit(wanted), first);
}

TEST_P(Submit, AnswersARepetitionThatIsLostAgain) {
  const auto wanted = request();
  const auto first = submit(wanted);
  for (int i = 0; i < 5; ++i) {
    store().reply_lost("acme", first);
    time_.advance(options_.attach_window_ms);
    EXPECT_EQ(submit(wanted), first);
  }
}

TEST_P(Submit, AnswersARepetitionEvenWhenTheTaskIsDone) {
  const auto wanted = request();
  const auto claimed = start(wanted);
  store().reply_lost("acme", claimed.task.id);
  store().finish(claimed.lease, result());
  const auto again = store().create(wanted, {});
  EXPECT_EQ(again.task.id, claimed.task.id);
  EXPECT_EQ(again.task.state, State::completed);
  EXPECT_EQ(again.task.outputs, result().outputs);
}

TEST_P(Submit, AttachesToNothingButTheSameRequestOfTheSameKeyInTime) {
  const auto wanted = request();
  const auto first = submit(wanted);
  store().reply_lost("somebody else", first);
  EXPECT_NE(submit(wanted), first);
  store().reply_lost("acme", first);

  auto other = wanted;
  other.body_hash = crypto::sha256_hex("another body");
  EXPECT_NE(submit(other), first);
  other = wanted;
  other.key_id = "key-b";
  EXPECT_NE(submit(other), first);
  other = wanted;
  other.endpoint = "wan-2.2/i2v";
  EXPECT_NE(submit(other), first);

  time_.advance(options_.attach_window_ms + 1);
  EXPECT_NE(submit(wanted), first);
}

TEST_P(Submit, DoesNotAttachToARemovedTask) {
  const auto wanted = request();
  const auto first = submit(wanted);
  store().reply_lost("acme", first);
  store().remove("acme", {first});
  EXPECT_NE(submit(wanted), first);
}

TEST_P(Submit, AnswersAnIdempotencyKeyWithItsTaskForSevenDays) {
  auto wanted = request();
  wanted.idempotency_key = "order 7";
  const auto first = submit(wanted);
  reopen();
  time_.advance(kIdempotencyMs);
  store().tidy();
  const auto again = store().create(wanted, {});
  EXPECT_TRUE(again.attached);
  EXPECT_EQ(again.task.id, first);
  time_.advance(1);
  store().tidy();
  EXPECT_NE(submit(wanted), first);
}

TEST_P(Submit, RefusesAnIdempotencyKeyThatComesWithAnotherBody) {
  auto wanted = request();
  wanted.idempotency_key = "order 7";
  submit(wanted);
  auto other = request();
  other.idempotency_key = "order 7";
  EXPECT_EQ(fault_of([&] { store().create(other, {}); }), Fault::conflict);
  EXPECT_EQ(store().list("acme", {}).total, 1);
}

TEST_P(Submit, KeepsIdempotencyKeysOfTenantsApart) {
  auto wanted = request();
  wanted.idempotency_key = "order 7";
  auto other = request("other", "key-o");
  other.idempotency_key = "order 7";
  EXPECT_NE(submit(wanted), submit(other));
}

TEST_P(Submit, DoesNotTakeAnIdempotencyKeyForARefusedTask) {
  auto wanted = request();
  wanted.idempotency_key = "order 7";
  EXPECT_EQ(limit_of(wanted, {.queued = 0}), Limit::queued);
  EXPECT_FALSE(store().create(wanted, {}).attached);
}

TEST_P(Submit, SaysSoWhenTheTaskOfAnIdempotencyKeyIsPurged) {
  auto wanted = request();
  wanted.idempotency_key = "order 7";
  const auto id = submit(wanted);
  store().remove("acme", {id});
  store().purge(store().expired_tasks(0));
  EXPECT_EQ(fault_of([&] { store().create(wanted, {}); }), Fault::not_found);
}

TEST_P(Submit, RefusesMoreThanAKeyMayHaveWaiting) {
  const Limits limits{.queued = 2};
  store().create(request(), limits);
  store().create(request(), limits);
  EXPECT_EQ(limit_of(request(), limits), Limit::queued);
  EXPECT_EQ(limit_of(request("acme", "key-b"), limits), std::nullopt);
  claim();
  EXPECT_EQ(limit_of(request(), limits), std::nullopt);
  EXPECT_EQ(store().list("acme", {}).total, 4);
}

TEST_P(Submit, RefusesWhatWouldGoBeyondTheSpendingCap) {
  const Limits limits{.spending_cap_mills = 450};
  const auto first = store().create(request(), limits).task.id;
  store().create(request(), limits);
  store().create(request(), limits);
  EXPECT_EQ(limit_of(request(), limits), Limit::spending_cap);

  // What is cancelled is not spent, what is completed stays spent.
  store().cancel("acme", first);
  EXPECT_EQ(limit_of(request(), limits), std::nullopt);
  while (const auto claimed = store().claim("worker-1", {"wan2.2"})) {
    store().finish(claimed->lease, result());
  }
  EXPECT_EQ(limit_of(request(), limits), Limit::spending_cap);
  auto free = request();
  free.price_mills = 0;
  EXPECT_EQ(limit_of(free, limits), std::nullopt);
}

TEST_P(Submit, RefusesTheFirstTaskOfAKeyToo) {
  EXPECT_EQ(limit_of(request(), {.queued = 0}), Limit::queued);
  EXPECT_EQ(limit_of(request(), {.spending_cap_mills = 149}), Limit::spending_cap);
  EXPECT_EQ(store().list("acme", {}).total, 0);
}

}  // namespace
}  // namespace tasks
