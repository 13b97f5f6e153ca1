// SPDX-License-Identifier: Apache-2.0
// zoetrope: the front. Sees no torch; engine commands are handed to zoetrope-engine beside it.
#include "cli/command.h"

int main(int argc, char** argv) {
  return cli::dispatch("zoetrope", {}, argc, argv);
}
