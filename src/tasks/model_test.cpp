// SPDX-License-Identifier: Apache-2.0
// Thousands of random commands, given to a store and to a simple model of it: both must answer the
// same and be in the same state. A failure names the seed and the step, from which it can be run
// again.
#include <random>

#include "tasks/test_model.h"
#include "tasks/test_store.h"

namespace tasks {
namespace {

constexpr int64_t kDay = 86'400'000;
constexpr int64_t kRetention = 7 * kDay;

class RandomCommands : public test::StoreTest {
 protected:
  void run(uint64_t seed, int steps) {
    random_.seed(seed);
    model_.lease_ms = options_.lease_ms;
    model_.attach_window_ms = options_.attach_window_ms;
    for (int step = 0; step < steps && !HasFailure(); ++step) {
      SCOPED_TRACE(base::text("seed ", seed, ", step ", step));
      model_.now = time_.wall_ms;
      take_step();
      if (step % 50 == 49) compare();
    }
  }

 private:
  int64_t below(int64_t end) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(end));
  }
  template <typename Item>
  Item any(const std::vector<Item>& items) {
    return items[static_cast<size_t>(below(static_cast<int64_t>(items.size())))];
  }

  // One command, each about as often as its number says.
  void take_step() {
    using Command = std::pair<int, void (RandomCommands::*)()>;
    static constexpr Command kCommands[] = {{30, &RandomCommands::submit_any},
                                            {22, &RandomCommands::claim_any},
                                            {8, &RandomCommands::heartbeat_any},
                                            {9, &RandomCommands::finish_any},
                                            {9, &RandomCommands::fail_any},
                                            {3, &RandomCommands::release_any},
                                            {4, &RandomCommands::lose_reply},
                                            {3, &RandomCommands::rescue_expired},
                                            {1, &RandomCommands::lose_worker},
                                            {5, &RandomCommands::cancel_any},
                                            {3, &RandomCommands::remove_any},
                                            {8, &RandomCommands::pass_time},
                                            {2, &RandomCommands::purge_expired},
                                            {1, &RandomCommands::restart}};
    int64_t choice = below(108);
    for (const auto& [share, command] : kCommands) {
      choice -= share;
      if (choice < 0) return (this->*command)();
    }
  }

  NewTask any_request() {
    const auto [tenant, key] = any<std::pair<std::string, std::string>>(
        {{"acme", "key-a"}, {"acme", "key-b"}, {"other", "key-o"}, {"third", "key-t"}});
    auto task = request(tenant, key);
    task.weights = any<std::string>({"wan2.1", "wan2.2"});
    task.priority = any<int64_t>({-1, 0, 0, 0, 1});
    task.price_mills = any<int64_t>({0, 100, 150});
    task.body_hash = crypto::sha256_hex(any<std::string>({"a", "b", "c", "d"}));
    if (below(7) == 0) task.idempotency_key = any<std::string>({"i", "j", "k"});
    return task;
  }

  void submit_any() {
    const auto task = any_request();
    const Limits limits{.queued = any<int64_t>({3, 20, kNoLimit}),
                        .running = any<int64_t>({1, 2, kNoLimit}),
                        .spending_cap_mills = any<int64_t>({2000, kNoLimit, kNoLimit})};
    const auto expected = model_.submit(task, limits);
    const auto answer = outcome_of_submit(task, limits);
    EXPECT_EQ(answer.first, expected);
    if (answer.first == "new") model_.add(task, limits, answer.second);
  }

  // As the model says it, and the id.
  std::pair<std::string, std::string> outcome_of_submit(const NewTask& task, const Limits& limits) {
    try {
      const auto submitted = store().create(task, limits);
      return {submitted.attached ? submitted.task.id : "new", submitted.task.id};
    } catch (const LimitReached& error) {
      return {error.limit() == LimitReached::Limit::queued ? "queued" : "spending cap", ""};
    } catch (const base::Error& error) {
      return {error.fault() == base::Fault::conflict ? "conflict" : "not found", ""};
    }
  }

  void claim_any() {
    const auto worker = any<std::string>({"worker-1", "worker-2", "worker-3"});
    const auto weights = any<std::vector<std::string>>({{"wan2.1"}, {"wan2.1", "wan2.2"}});
    const auto* expected = model_.next(weights);
    const auto claimed = store().claim(worker, weights);
    ASSERT_EQ(claimed.has_value(), expected != nullptr);
    if (!claimed) return;
    EXPECT_EQ(claimed->lease.task, expected->id);
    EXPECT_EQ(claimed->lease.attempt, expected->attempt + 1);
    EXPECT_EQ(claimed->out_of_memory, expected->failures.out_of_memory);
    model_.claim(claimed->lease, worker);
    leases_.push_back(claimed->lease);
  }

  // Calls `act` for a lease, most often one of the latest: both sides must agree whether it is
  // lost.
  template <typename Act, typename Expect>
  void with_lease(const Act& act, const Expect& expect) {
    if (leases_.empty()) return;
    const auto count = static_cast<int64_t>(leases_.size());
    const auto recent = below(4) == 0 ? count : std::min<int64_t>(count, 6);
    const auto lease = leases_[static_cast<size_t>(count - 1 - below(recent))];
    auto* task = model_.held(lease);
    if (task == nullptr) {
      EXPECT_EQ(test::fault_of([&] { act(lease); }), base::Fault::conflict);
    } else {
      EXPECT_EQ(act(lease), expect(*task));
    }
  }

  void heartbeat_any() {
    with_lease([&](const Lease& lease) { return store().heartbeat(lease, "").cancel_requested; },
               [&](test::Model::Entry& task) {
                 model_.heartbeat(task);
                 return task.cancel_requested;
               });
  }
  void finish_any() {
    with_lease([&](const Lease& lease) { return store().finish(lease, result()); },
               [&](test::Model::Entry& task) { return model_.finish(task); });
  }
  void fail_any() {
    const Failure failure{.kind = any<FailureClass>({FailureClass::invalid_input,
                                                     FailureClass::gpu_oom,
                                                     FailureClass::gpu_sticky,
                                                     FailureClass::upstream,
                                                     FailureClass::exhausted})};
    with_lease([&](const Lease& lease) { return store().fail(lease, failure); },
               [&](test::Model::Entry& task) { return model_.fail(task, failure); });
  }
  void release_any() {
    with_lease([&](const Lease& lease) { return store().release(lease); },
               [&](test::Model::Entry& task) { return model_.release(task); });
  }

  void lose_reply() {
    if (model_.tasks().empty()) return;
    const auto task = any(model_.tasks());
    store().reply_lost(task.request.tenant, task.id);
    model_.reply_lost(task.id);
  }

  static std::multiset<std::string> ids_of(const std::vector<Rescued>& rescued) {
    std::multiset<std::string> ids;
    for (const auto& task : rescued) ids.insert(task.task);
    return ids;
  }
  static std::multiset<std::string> as_set(const std::vector<std::string>& ids) {
    return {ids.begin(), ids.end()};
  }

  void rescue_expired() { EXPECT_EQ(ids_of(store().rescue()), as_set(model_.lose(std::nullopt))); }
  void lose_worker() {
    const auto worker = any<std::string>({"worker-1", "worker-2", "worker-3"});
    EXPECT_EQ(ids_of(store().worker_gone(worker)), as_set(model_.lose(worker)));
  }

  void cancel_any() {
    if (model_.tasks().empty()) return;
    const auto id = any(model_.tasks()).id;
    const auto tenant = any<std::string>({"acme", "acme", "other"});
    if (const auto expected = model_.cancel(tenant, id)) {
      EXPECT_EQ(store().cancel(tenant, id), *expected);
    } else {
      EXPECT_EQ(test::fault_of([&] { store().cancel(tenant, id); }), base::Fault::not_found);
    }
  }
  void remove_any() {
    if (model_.tasks().empty()) return;
    const auto id = any(model_.tasks()).id;
    const auto tenant = any<std::string>({"acme", "acme", "other"});
    EXPECT_EQ(store().remove(tenant, {id}), model_.remove(tenant, id) ? 1 : 0);
  }

  void pass_time() {
    time_.advance(any<int64_t>({1, 1000, 10'000, 29'999, 61'000, 3'600'000, kDay / 2, kDay}));
  }

  void purge_expired() {
    const auto expired = store().expired_tasks(time_.wall_ms - kRetention, 10'000);
    std::vector<std::string> ids;
    for (const auto& task : expired) ids.push_back(task.id);
    EXPECT_EQ(as_set(ids), as_set(model_.expired(time_.wall_ms - kRetention)));
    store().purge(expired);
    store().tidy();
    model_.purge(ids);
  }

  void restart() {
    reopen();
    if (is_sqlite()) model_.restart();
  }

  void compare() {
    std::map<std::string, int64_t> visible;
    int64_t queued = 0;
    int64_t running = 0;
    for (const auto& expected : model_.tasks()) {
      const auto found = store().find(expected.request.tenant, expected.id);
      ASSERT_EQ(found.has_value(), expected.is_visible());
      if (expected.state == State::created) ++queued;
      if (expected.state == State::processing) ++running;
      if (!found) continue;
      ++visible[expected.request.tenant];
      EXPECT_EQ(found->state, expected.state);
      EXPECT_EQ(found->attempt, expected.attempt);
      EXPECT_EQ(found->cancel_requested, expected.cancel_requested);
      EXPECT_EQ(found->error_code, expected.error_code);
      EXPECT_EQ(found->created_at, expected.created_at);
      EXPECT_EQ(found->finished_at, expected.finished_at);
      EXPECT_EQ(found->outputs.size(), expected.state == State::completed ? 1u : 0u);
    }
    for (const auto* tenant : {"acme", "other", "third"}) {
      EXPECT_EQ(store().list(tenant, {}).total, visible[tenant]);
      EXPECT_EQ(store().balance(tenant), model_.balance(tenant));
    }
    QueueLoad all;
    for (const auto& load : store().queue_loads()) {
      all.queued += load.queued;
      all.running += load.running;
    }
    EXPECT_EQ(all.queued, queued);
    EXPECT_EQ(all.running, running);
  }

  std::mt19937_64 random_;
  test::Model model_;
  std::vector<Lease> leases_;
};
INSTANTIATE_TEST_SUITE_P(On,
                         RandomCommands,
                         testing::ValuesIn(test::kDatabases),
                         test::database_name);

TEST_P(RandomCommands, HaveTheOutcomeOfTheModel) {
  run(20261121, is_sqlite() ? 3000 : 1500);
}

TEST_P(RandomCommands, HaveTheOutcomeOfTheModelFromAnotherStart) {
  run(7, is_sqlite() ? 3000 : 1000);
}

}  // namespace
}  // namespace tasks
