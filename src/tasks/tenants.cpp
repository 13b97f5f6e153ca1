// SPDX-License-Identifier: Apache-2.0
#include "tasks/tenants.h"

#include "crypto/encoding.h"
#include "crypto/random.h"

namespace tasks {
namespace {

constexpr auto kMakeTenant = R"(
INSERT INTO tenant (name, webhook_secret) VALUES (:tenant, :secret) ON CONFLICT DO NOTHING)";

}  // namespace

void make_tenant(Connection& sql, const std::string& name) {
  // The form of Standard Webhooks; other wires take the text behind the prefix as it is.
  const auto secret = "whsec_" + crypto::to_base64(crypto::random_bytes(32));
  sql.run(kMakeTenant, {{"tenant", name}, {"secret", secret}});
}

}  // namespace tasks
