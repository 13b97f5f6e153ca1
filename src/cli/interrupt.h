// SPDX-License-Identifier: Apache-2.0
// Ctrl-C as a wish that long computations look for.
#pragma once

namespace cli {

// From here on the first SIGINT, SIGTERM or SIGHUP is only noted; the second ends the process at
// once, without its temporary files. A closed pipe and a limit on the size of files become errors
// of the write, so that they leave nothing half-written either.
void watch_for_interrupts();

bool is_interrupted();

}  // namespace cli
