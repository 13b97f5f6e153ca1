// SPDX-License-Identifier: Apache-2.0
// The API's description, OpenAPI 3.1, derived from the routes and the catalog.
#pragma once

#include <cstdint>

#include "api/context.h"
#include "base/json.h"

namespace api {

// `server` is where the caller reaches us.
base::Json openapi_document(const Settings& settings, const std::string& server);

// components/schemas: what answers and bodies look like, by the names that routes use.
base::Json openapi_schemas(uint64_t upload_bytes);

// As patterns of JSON Schema.
inline constexpr auto* kTaskId = "^[0-9a-f]{32}$";
inline constexpr auto* kUploadId = "^[0-9a-f]{48}$";
inline constexpr auto* kSha256 = "^[0-9a-f]{64}$";
inline constexpr auto* kFileName = "^[0-9A-Za-z][0-9A-Za-z._-]{0,63}$";

}  // namespace api
