// SPDX-License-Identifier: Apache-2.0
// The commands of zoetrope-engine, each in the file of its name.
#pragma once

#include "cli/command.h"

namespace cli {

int about(Arguments arguments);
int bench(Arguments arguments);
int make_checkpoint(Arguments arguments);
int generate(Arguments arguments);
int parity(Arguments arguments);
int score_toy(Arguments arguments);
int selftest(Arguments arguments);
int train_toy(Arguments arguments);
int worker(Arguments arguments);

}  // namespace cli
