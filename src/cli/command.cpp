// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <algorithm>
#include <iostream>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace cli {
namespace {

void print_commands(std::ostream& out,
                    std::string_view program,
                    std::span<const Command> commands) {
  out << "usage: " << program << " COMMAND [ARGUMENTS]\n\n";
  print_rows(out, commands);
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

int refuse_unknown(std::string_view program,
                   std::span<const Command> commands,
                   std::string_view word) {
  std::vector<std::string_view> names = {"help"};
  for (const auto& command : commands) names.push_back(command.name);
  const auto meant = base::nearest(word, names);
  std::cerr << program << ": no command \"" << word << '"';
  if (!meant.empty()) std::cerr << "; did you mean " << meant << '?';
  std::cerr << '\n' << program << " help lists all\n";
  return kUsage;
}

}  // namespace

std::string_view version() {
  return ZOETROPE_VERSION;
}

void print_rows(std::ostream& out, std::span<const Command> commands) {
  for (const auto& command : commands) {
    const auto padding = 18 - std::min<size_t>(17, command.name.size());
    out << "  " << command.name << std::string(padding, ' ') << command.summary << '\n';
  }
}

int dispatch(std::string_view program, std::span<const Command> commands, int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words[0] == "--version") {
    std::cout << program << ' ' << version() << '\n';
    return kDone;
  }
  if (!words.empty() && words[0] == "--list") {
    print_rows(std::cout, commands);
    return kDone;
  }
  if (words.empty() || words[0] == "help" || words[0] == "--help" || words[0] == "-h") {
    print_commands(words.empty() ? std::cerr : std::cout, program, commands);
    return words.empty() ? kUsage : kDone;
  }
  const auto found = std::ranges::find(commands, std::string_view(words[0]), &Command::name);
  if (found == commands.end()) return refuse_unknown(program, commands, words[0]);
  return run_and_report(*found, Arguments(words).subspan(1));
}

}  // namespace cli
