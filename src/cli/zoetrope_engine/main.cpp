// SPDX-License-Identifier: Apache-2.0
// zoetrope-engine: the part that computes. One file per command.
#include <cstdio>
#include <filesystem>

#include "cli/command.h"
#include "cli/zoetrope_engine/commands.h"
#include "cli/zoetrope_engine/freed_memory.h"

int main(int argc, char** argv) {
  // Whoever reads a log sees every line, also of a process that was killed.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  cli::return_freed_memory();
  constexpr cli::Command kCommands[] = {
      {"about", "what the engine was built with, as JSON", cli::about},
      {"bench", "time a network or the whole pipeline beside the floors", cli::bench},
      {"make-checkpoint",
       "write a model with random weights, for tests of size and speed",
       cli::make_checkpoint},
      {"generate", "make a video from a text", cli::generate},
      {"parity", "compare this engine with golden cases", cli::parity},
      {"score-toy", "measure how the demo family follows prompts", cli::score_toy},
      {"selftest",
       "compare the fast kernels with their plain forms on this machine",
       cli::selftest},
      {"train-toy", "train the demo family", cli::train_toy},
      {"worker", "do the tasks of a server", cli::worker},
  };
  // Run by zoetrope it bears that name, which is then the right one for its messages.
  const auto program = std::filesystem::path(argv[0]).filename().string();
  return cli::dispatch(program, kCommands, argc, argv);
}
