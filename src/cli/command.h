// SPDX-License-Identifier: Apache-2.0
// What both programs share: a table of commands, and exceptions turned into exit codes in one
// place.
#pragma once

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

// Finds and runs the command; prints the list for none, `help` and `--help`. Errors go to stderr as
// one message: Fault::invalid is kUsage, Cancelled is kInterrupted, all else kFailed.
int dispatch(std::string_view program, std::span<const Command> commands, int argc, char** argv);

}  // namespace cli
