// SPDX-License-Identifier: Apache-2.0
// The table as JSON Schema: for the model list of the wavespeed wire and for OpenAPI 3.1.
#pragma once

#include "catalog/catalog.h"

namespace catalog {

// The schema of one value.
base::Json field_schema(const Field& field);

// The schema of the body, as in the vendor's model list: the fields without the extras, their order
// in x-order-properties.
base::Json request_schema(const Endpoint& endpoint);

// `data` of GET /api/v3/models: the endpoints of the wavespeed wire. `server_url` is this server's
// address, without a slash at its end.
base::Json model_list(std::string_view server_url);

// The schema, or null: what a field may be that is not required.
base::Json or_null(base::Json schema);

// `paths` of an OpenAPI document: for each endpoint its POST with the schema of the body, extras
// included. Responses and security are left to add.
base::Json openapi_paths();

}  // namespace catalog
