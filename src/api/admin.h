// SPDX-License-Identifier: Apache-2.0
// Keys, for whoever can open the server's own socket.
#pragma once

#include "api/context.h"
#include "base/json.h"

namespace api::admin {

http::Response create_key(Context& context, const Call& call);
http::Response list_keys(Context& context, const Call& call);
http::Response revoke_key(Context& context, const Call& call);

// The same without a server: what `zoetrope keys` does on the database itself.
base::Json make_key(tasks::Store& store, const base::Json& body, const base::Clock& clock);
base::Json describe_keys(tasks::Store& store, const std::string& tenant);

}  // namespace api::admin
