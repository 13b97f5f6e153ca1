// SPDX-License-Identifier: Apache-2.0
// What it takes to change the adapters of a network whose base is in memory.
#pragma once

#include "bench/subjects.h"

namespace bench {

// One LoRA of rank 32 on every linear layer of the blocks, as trainers make them, merged into a
// network from its base.
Result run_adapter_swap(const Setting& setting);

}  // namespace bench
