// SPDX-License-Identifier: Apache-2.0
// What both programs share: a table of commands, and exceptions turned into exit codes in one
// place.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

namespace cli {

// Exit codes of every command.
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

using Arguments = std::span<const std::string>;

struct Command {
  std::string_view name;
  std::string_view summary;
  int (*run)(Arguments arguments);  // what follows the command's name
};

// The version of both programs, "0.1.0".
std::string_view version();

// One line per command, as in the list of a program's help.
void print_rows(std::ostream& out, std::span<const Command> commands);

// Finds and runs the command; prints the list for none, `help` and `--help`, only its rows for
// `--list`, the version for `--version`. Errors go to stderr as one message: Fault::invalid is
// kUsage, Cancelled is kInterrupted, all else kFailed.
int dispatch(std::string_view program, std::span<const Command> commands, int argc, char** argv);

}  // namespace cli
