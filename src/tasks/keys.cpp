// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "tasks/database.h"
#include "tasks/key_cache.h"
#include "tasks/store.h"
#include "tasks/tenants.h"

namespace tasks {
namespace {

using base::Error;
using base::Fault;

constexpr std::string_view kPrefix = "zt_";
constexpr size_t kIdLength = 12;
constexpr size_t kSecretLength = 43;  // of base62: 256 bits

constexpr auto kInsertKey = R"(
INSERT INTO api_key (id, tenant, name, scopes, secret_sha256, created_at, expires_at, max_queued,
                     max_running, spending_cap_mills, requests_per_minute, priority)
VALUES (:id, :tenant, :name, :scopes, :secret_sha256, :wall, :expires_at, :max_queued,
        :max_running, :spending_cap_mills, :requests_per_minute, :priority))";

constexpr auto kKeys = R"(
SELECT id, tenant, name, scopes, secret_sha256, created_at, expires_at, revoked_at, max_queued,
       max_running, spending_cap_mills, requests_per_minute, priority
FROM api_key ORDER BY created_at, id)";

constexpr auto kRevoke = R"(
UPDATE api_key SET revoked_at = :wall WHERE tenant = :tenant AND id = :id AND revoked_at = 0)";

std::vector<StoredKey> read_keys(Connection& sql) {
  std::vector<StoredKey> keys;
  StoredKey row;
  auto& key = row.key;
  const Connection::Target targets[] = {&key.id,
                                        &key.tenant,
                                        &key.name,
                                        &key.scopes,
                                        &row.secret_sha256,
                                        &key.created_at,
                                        &key.expires_at,
                                        &key.revoked_at,
                                        &key.limits.queued,
                                        &key.limits.running,
                                        &key.limits.spending_cap_mills,
                                        &key.limits.requests_per_minute,
                                        &key.priority};
  sql.each_row(kKeys, {}, targets, [&] { keys.push_back(row); });
  return keys;
}

// The parts of "zt_<id>_<secret>", or two empty ones, which no key has.
std::pair<std::string, std::string> split(const std::string& text) {
  const bool is_key = text.size() == kPrefix.size() + kIdLength + 1 + kSecretLength &&
                      text.starts_with(kPrefix) && text[kPrefix.size() + kIdLength] == '_';
  if (!is_key) return {};
  return {text.substr(kPrefix.size(), kIdLength), text.substr(kPrefix.size() + kIdLength + 1)};
}

}  // namespace

std::string Store::create_key(const NewKey& key) {
  const auto id = crypto::random_base62(kIdLength);
  const auto secret = crypto::random_base62(kSecretLength);
  database_->run_write([&](Connection& sql, Now now) {
    make_tenant(sql, key.tenant);
    sql.run(kInsertKey,
            {{"id", id},
             {"tenant", key.tenant},
             {"name", key.name},
             {"scopes", key.scopes},
             {"secret_sha256", crypto::sha256_hex(secret)},
             {"wall", now.wall},
             {"expires_at", key.expires_at},
             {"max_queued", key.limits.queued},
             {"max_running", key.limits.running},
             {"spending_cap_mills", key.limits.spending_cap_mills},
             {"requests_per_minute", key.limits.requests_per_minute},
             {"priority", key.priority}});
  });
  keys_->forget();
  return base::text(kPrefix, id, "_", secret);
}

Key Store::authenticate(const std::string& text) {
  const auto keys = keys_->get([&] {
    StoredKeys loaded;
    for (auto& key : database_->read(read_keys)) loaded.emplace(key.key.id, key);
    return loaded;
  });
  const auto [id, secret] = split(text);
  const auto found = keys->find(id);
  // An unknown id is compared as well, with a digest that no secret has.
  const std::string nobody(64, '0');
  const auto& expected = found == keys->end() ? nobody : found->second.secret_sha256;
  const bool is_right = crypto::equal_secrets(crypto::sha256_hex(secret), expected);
  if (!is_right) throw Error(Fault::unauthorized, "the key is not valid");
  const auto& key = found->second.key;
  const bool is_expired = key.expires_at != 0 && key.expires_at <= clock_.wall();
  if (key.revoked_at != 0 || is_expired) throw Error(Fault::unauthorized, "the key is not valid");
  return key;
}

std::vector<Key> Store::list_keys(const std::string& tenant) {
  std::vector<Key> keys;
  for (auto& stored : database_->read(read_keys)) {
    if (stored.key.tenant == tenant) keys.push_back(std::move(stored.key));
  }
  return keys;
}

bool Store::has_keys() {
  return !database_->read(read_keys).empty();
}

void Store::revoke_key(const std::string& tenant, const std::string& id) {
  const auto rows = database_->write([&](Connection& sql, Now now) {
    return sql.run(kRevoke, {{"wall", now.wall}, {"tenant", tenant}, {"id", id}});
  });
  if (rows == 0) throw Error(Fault::not_found, base::text("no key ", id));
  keys_->forget();
}

}  // namespace tasks
