// SPDX-License-Identifier: Apache-2.0
// The operations of one forward of the transformer, each timed alone: where the time goes, without
// a profiler.
#pragma once

#include "bench/subjects.h"

namespace bench {

// Every operation of a block at the setting's size, on random numbers. `timing` holds one number:
// the sum over a whole forward.
Result run_operations(const Setting& setting);

}  // namespace bench
