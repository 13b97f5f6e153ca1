// SPDX-License-Identifier: Apache-2.0
// The table for people.
#pragma once

#include "catalog/catalog.h"

namespace catalog {

// The text of docs/models.md.
std::string models_page();

// One line per endpoint, in columns.
std::string overview();

// Everything about every endpoint, for programs: a list of objects.
base::Json description();

}  // namespace catalog
