// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <algorithm>
#include <iostream>
#include <vector>

#include "base/error.h"

namespace cli {
namespace {

void print_commands(std::ostream& out,
                    std::string_view program,
                    std::span<const Command> commands) {
  out << "usage: " << program << " COMMAND [ARGUMENTS]\n\n";
  for (const auto& command : commands) {
    out << "  " << command.name << std::string(14 - std::min<size_t>(13, command.name.size()), ' ')
        << command.summary << '\n';
  }
  out << "\n" << program << " COMMAND --help tells more about one.\n";
}

int run_and_report(const Command& command, Arguments arguments) {
  try {
    return command.run(arguments);
  } catch (const base::Cancelled&) {
    return kInterrupted;
  } catch (...) {
    const auto error = base::current_error();
    std::cerr << error.what() << '\n';
    if (!error.detail().empty()) std::cerr << "detail: " << error.detail() << '\n';
    return error.fault() == base::Fault::invalid ? kUsage : kFailed;
  }
}

}  // namespace

int dispatch(std::string_view program, std::span<const Command> commands, int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty() || words[0] == "help" || words[0] == "--help" || words[0] == "-h") {
    print_commands(words.empty() ? std::cerr : std::cout, program, commands);
    return words.empty() ? kUsage : kDone;
  }
  const auto found = std::ranges::find(commands, std::string_view(words[0]), &Command::name);
  if (found == commands.end()) {
    std::cerr << program << ": no command \"" << words[0] << "\"\n\n";
    print_commands(std::cerr, program, commands);
    return kUsage;
  }
  return run_and_report(*found, Arguments(words).subspan(1));
}

}  // namespace cli
