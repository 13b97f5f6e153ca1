// SPDX-License-Identifier: Apache-2.0
// The API's description, OpenAPI 3.1, derived from the routes and the catalog.
#pragma once

#include <string>

#include "base/json.h"

namespace api {

base::Json openapi_document(const std::string& public_url, const std::string& version);

// components/schemas: what answers and bodies look like, by the names that routes use.
base::Json openapi_schemas();

}  // namespace api
