// SPDX-License-Identifier: Apache-2.0
// A command's options as a table: one row says the name, where the value lands, what is allowed and
// the help line. Parsing, the defaults, every complaint and --help come from the rows.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/command.h"

namespace cli {

// What is wrong with one command line, collected so that the user hears all of it at once.
class Complaints {
 public:
  void add(std::string complaint) { lines_.push_back(std::move(complaint)); }
  bool empty() const { return lines_.empty(); }
  const std::vector<std::string>& lines() const { return lines_; }
  // Throws Error(invalid), one complaint per line, if there are any.
  void refuse() const;

 private:
  std::vector<std::string> lines_;
};

// What a value must fulfil beyond its type.
struct Rule {
  double min = std::numeric_limits<double>::lowest();
  double max = std::numeric_limits<double>::max();
  std::span<const std::string_view> choices = {};  // of a text; empty: any
  bool required = false;
};

// Where the value of an option lands. A bool is a flag without a value; a vector takes every
// argument that belongs to no option, or every value of an option that may be given again.
template <typename Request>
using Into = std::variant<bool Request::*,
                          std::string Request::*,
                          std::optional<std::string> Request::*,
                          int64_t Request::*,
                          std::optional<int64_t> Request::*,
                          double Request::*,
                          std::optional<double> Request::*,
                          std::vector<std::string> Request::*>;

template <typename Request>
struct Option {
  std::string_view name;     // "--steps"; "PROMPT" for an argument that is given by its place
  std::string_view metavar;  // "N"; empty for flags and places
  Into<Request> into;
  std::string_view help;
  Rule rule = {};
  std::string_view short_name = {};  // "-o"
};

// A command as its user sees it.
template <typename Request>
struct Form {
  std::string_view command;  // "zoetrope generate"
  std::string_view summary;
  std::span<const Option<Request>> options;
  std::string_view notes = {};  // printed below the options
};

// A row bound to the request it fills: what the code in options.cpp works with.
using Target = std::variant<bool*,
                            std::string*,
                            std::optional<std::string>*,
                            int64_t*,
                            std::optional<int64_t>*,
                            double*,
                            std::optional<double>*,
                            std::vector<std::string>*>;

struct BoundOption {
  std::string_view name, metavar, help, short_name;
  Target target;
  Rule rule;
  bool given = false;
};

struct BoundForm {
  std::string_view command, summary, notes;
  std::vector<BoundOption> options;
};

// Fills the targets and adds a complaint for every rule broken.
void read_bound(BoundForm& form, Arguments arguments, Complaints& complaints);

// The text of --help.
std::string help_text(const BoundForm& form);

// Whether --help or -h is among the arguments.
bool asks_for_help(Arguments arguments);

void print_help(const BoundForm& form);

template <typename Request>
BoundForm bind(const Form<Request>& form, Request& request) {
  BoundForm bound{form.command, form.summary, form.notes, {}};
  for (const auto& option : form.options) {
    const auto target =
        std::visit([&](auto member) -> Target { return &(request.*member); }, option.into);
    bound.options.push_back(
        {option.name, option.metavar, option.help, option.short_name, target, option.rule});
  }
  return bound;
}

// The request that the arguments describe, or nothing when --help was asked for and is printed.
// What is wrong is added to `complaints`, so that the command can add its own before refusing.
template <typename Request>
std::optional<Request> read_options(const Form<Request>& form,
                                    Arguments arguments,
                                    Complaints& complaints) {
  Request request;
  auto bound = bind(form, request);
  if (asks_for_help(arguments)) {
    print_help(bound);
    return std::nullopt;
  }
  read_bound(bound, arguments, complaints);
  return request;
}

// The same for commands that have nothing to add. Throws Error(invalid) with all complaints.
template <typename Request>
std::optional<Request> read_options(const Form<Request>& form, Arguments arguments) {
  Complaints complaints;
  auto request = read_options(form, arguments, complaints);
  complaints.refuse();
  return request;
}

}  // namespace cli
