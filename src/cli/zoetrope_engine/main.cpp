// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine: the part that computes. One file per command.
#include "cli/command.h"
#include "cli/zoetrope_engine/commands.h"

int main(int argc, char** argv) {
  constexpr cli::Command kCommands[] = {
      {"parity", "compare this engine with golden cases", cli::parity},
  };
  return cli::dispatch("zoetrope-engine", kCommands, argc, argv);
}
