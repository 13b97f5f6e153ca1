// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>

// Counts a passage of the point `place.call.when`, and ends the process where that was asked for;
// true where the call is to fail, with errno set. `place` NULL: no point.
bool pass(const char* place, const char* call, const char* when);
