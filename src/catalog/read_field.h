// SPDX-License-Identifier: Apache-2.0
// One value of a body, or the default in its place, into the request: by the rule of the field.
#pragma once

#include "catalog/parse.h"

namespace catalog {

// Stores the value, or complains.
void read_value(const Field& field, const base::Json& value, Parsed& parsed);

// Stores the rule's default, which a required field has not. In fast mode steps, guidance and shift
// have none: the listed ones are meant for the weights that take many steps.
void apply_preset(const Field& field, Parsed& parsed);

}  // namespace catalog
