// SPDX-License-Identifier: Apache-2.0
// zoetrope: the front. Sees no torch; what it does not do itself it hands to zoetrope-engine.
#include <algorithm>
#include <iostream>

#include "cli/command.h"
#include "cli/zoetrope/commands.h"
#include "cli/zoetrope/engine.h"

namespace {

constexpr cli::Command kCommands[] = {
    {"serve",
     "answer the wire formats of hosted services, with the models on this machine",
     cli::serve},
    {"keys", "make, list and revoke keys of a server", cli::keys},
    {"models", "list the models on this machine and those that could be", cli::models},
    {"pull", "fetch a model or a LoRA by its name", cli::pull},
    {"show", "tell what a weights file, a model folder or a server holds", cli::show},
    {"doctor", "check this machine and say what to do about each problem", cli::doctor},
};

int print_help(std::ostream& out, int code) {
  out << "usage: zoetrope COMMAND [ARGUMENTS]\n\n";
  cli::print_rows(out, kCommands);
  const auto rows = cli::engine_output({"--list"});
  if (rows.empty()) {
    out << "\nThe commands of " << cli::engine_path().string()
        << " (generate, parity, …) are missing: it is not built, or does not start.\n";
  }
  out << rows << "\nzoetrope COMMAND --help tells more about one.\n";
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) return print_help(std::cerr, cli::kUsage);
  if (words[0] == "help" || words[0] == "--help" || words[0] == "-h") {
    return print_help(std::cout, cli::kDone);
  }
  const bool is_ours =
      words[0].starts_with('-') ||
      std::ranges::find(kCommands, std::string_view(words[0]), &cli::Command::name) !=
          std::end(kCommands);
  return is_ours ? cli::dispatch("zoetrope", kCommands, argc, argv) : cli::become_engine(words);
}
