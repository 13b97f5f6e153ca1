// SPDX-License-Identifier: Apache-2.0
#include "tasks/test_store.h"

namespace tasks {
namespace {

using base::Fault;
using test::fault_of;

class Keys : public test::StoreTest {
 protected:
  NewKey new_key() {
    return {.tenant = "acme",
            .name = "laptop",
            .scopes = "tasks:read tasks:write",
            .priority = -3,
            .limits = {
                .queued = 10, .running = 2, .spending_cap_mills = 5000, .requests_per_minute = 60}};
  }
  Fault refusal_of(const std::string& text) {
    return fault_of([&] { store().authenticate(text); });
  }
};
INSTANTIATE_TEST_SUITE_P(On, Keys, testing::ValuesIn(test::kDatabases), test::database_name);

TEST_P(Keys, AuthenticateTheirHolder) {
  const auto text = store().create_key(new_key());
  reopen();
  const auto key = store().authenticate(text);
  EXPECT_EQ(text, "zt_" + key.id + "_" + text.substr(text.size() - 43));
  EXPECT_EQ(key.tenant, "acme");
  EXPECT_EQ(key.name, "laptop");
  EXPECT_EQ(key.scopes, "tasks:read tasks:write");
  EXPECT_EQ(key.limits, new_key().limits);
  EXPECT_EQ(key.priority, -3);
  EXPECT_EQ(key.created_at, time_.wall_ms);
}

TEST_P(Keys, AreOf256RandomBitsAndNotKept) {
  const auto text = store().create_key(new_key());
  EXPECT_EQ(text.size(), 3u + 12u + 1u + 43u);
  EXPECT_NE(store().create_key(new_key()), text);
}

TEST_P(Keys, AreRefusedWhenAnyPartIsWrong) {
  const auto text = store().create_key(new_key());
  for (size_t i = 0; i < text.size(); ++i) {
    auto wrong = text;
    wrong[i] = wrong[i] == 'x' ? 'y' : 'x';
    EXPECT_EQ(refusal_of(wrong), Fault::unauthorized) << i;
  }
  EXPECT_EQ(refusal_of(""), Fault::unauthorized);
  EXPECT_EQ(refusal_of(text.substr(0, text.size() - 1)), Fault::unauthorized);
  EXPECT_EQ(refusal_of(text + "0"), Fault::unauthorized);
  EXPECT_EQ(refusal_of("zt_" + std::string(12, '0') + "_" + std::string(43, '0')),
            Fault::unauthorized);
}

TEST_P(Keys, EndWhenTheyExpire) {
  auto wanted = new_key();
  wanted.expires_at = time_.wall_ms + 5000;
  const auto text = store().create_key(wanted);
  time_.advance(4999);
  EXPECT_NO_THROW(store().authenticate(text));
  time_.advance(1);
  EXPECT_EQ(refusal_of(text), Fault::unauthorized);
}

TEST_P(Keys, EndAtOnceWhenTheyAreRevoked) {
  const auto text = store().create_key(new_key());
  const auto id = store().authenticate(text).id;
  EXPECT_EQ(fault_of([&] { store().revoke_key("other", id); }), Fault::not_found);
  EXPECT_NO_THROW(store().authenticate(text));
  store().revoke_key("acme", id);
  EXPECT_EQ(refusal_of(text), Fault::unauthorized);
  EXPECT_EQ(fault_of([&] { store().revoke_key("acme", id); }), Fault::not_found);
}

TEST_P(Keys, AreListedForTheirTenantRevokedOnesIncluded) {
  const auto id = store().authenticate(store().create_key(new_key())).id;
  time_.advance(1);
  store().create_key(new_key());
  auto other = new_key();
  other.tenant = "other";
  store().create_key(other);
  store().revoke_key("acme", id);
  const auto keys = store().list_keys("acme");
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].id, id);
  EXPECT_EQ(keys[0].revoked_at, time_.wall_ms);
  EXPECT_EQ(keys[1].revoked_at, 0);
}

}  // namespace
}  // namespace tasks
