// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>

#include "base/error.h"
#include "base/text.h"

namespace cli {
namespace {

using base::text;

constexpr size_t kHelpColumn = 30;
constexpr size_t kHelpWidth = 98;

bool is_option(const BoundOption& option) {
  return option.name.starts_with('-');
}

bool is_flag(const BoundOption& option) {
  return std::holds_alternative<bool*>(option.target);
}

bool is_list(const BoundOption& option) {
  return std::holds_alternative<std::vector<std::string>*>(option.target);
}

std::string number_text(double number) {
  return number == std::floor(number) && std::abs(number) < 1e15
             ? std::to_string(static_cast<int64_t>(number))
             : text(number);
}

// " of at least 1", " from 1 to 1000", or nothing where the rule has no bounds.
std::string bounds_text(const Rule& rule) {
  const bool has_min = rule.min > std::numeric_limits<double>::lowest();
  const bool has_max = rule.max < std::numeric_limits<double>::max();
  if (has_min && has_max)
    return text(" from ", number_text(rule.min), " to ", number_text(rule.max));
  if (has_min) return text(" of at least ", number_text(rule.min));
  if (has_max) return text(" of at most ", number_text(rule.max));
  return {};
}

bool is_within(double number, const Rule& rule) {
  return number >= rule.min && number <= rule.max;  // false for NaN
}

template <typename Number>
std::optional<Number> parse_number(std::string_view value) {
  Number number{};
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (problem != std::errc() || end != value.data() + value.size()) return std::nullopt;
  return number;
}

// Each accept() stores one value, or returns the rule that it breaks.

std::string accept(bool* target, const std::string&, const Rule&) {
  *target = true;
  return {};
}

template <typename Text>
std::string accept_text(Text* target, const std::string& value, const Rule& rule) {
  if (!rule.choices.empty() && std::ranges::find(rule.choices, value) == rule.choices.end()) {
    return text("one of ", base::join(rule.choices, ", "));
  }
  *target = value;
  return {};
}

std::string accept(std::string* target, const std::string& value, const Rule& rule) {
  return accept_text(target, value, rule);
}

std::string accept(std::optional<std::string>* target, const std::string& value, const Rule& rule) {
  return accept_text(target, value, rule);
}

std::string accept(std::vector<std::string>* target, const std::string& value, const Rule&) {
  target->push_back(value);
  return {};
}

template <typename Slot>
std::string accept_whole(Slot* target, const std::string& value, const Rule& rule) {
  const auto number = parse_number<int64_t>(value);
  if (!number || !is_within(static_cast<double>(*number), rule)) {
    return text("a whole number", bounds_text(rule));
  }
  *target = *number;
  return {};
}

std::string accept(int64_t* target, const std::string& value, const Rule& rule) {
  return accept_whole(target, value, rule);
}

std::string accept(std::optional<int64_t>* target, const std::string& value, const Rule& rule) {
  return accept_whole(target, value, rule);
}

template <typename Slot>
std::string accept_real(Slot* target, const std::string& value, const Rule& rule) {
  const auto number = parse_number<double>(value);
  if (!number || !is_within(*number, rule)) return text("a number", bounds_text(rule));
  *target = *number;
  return {};
}

std::string accept(double* target, const std::string& value, const Rule& rule) {
  return accept_real(target, value, rule);
}

std::string accept(std::optional<double>* target, const std::string& value, const Rule& rule) {
  return accept_real(target, value, rule);
}

void take(BoundOption& option, const std::string& value, Complaints& complaints) {
  if (option.given && !is_list(option) && !is_flag(option)) {
    complaints.add(text(option.name, ": given twice, the second time as \"", value, "\""));
    return;
  }
  option.given = true;
  const auto rule =
      std::visit([&](auto* target) { return accept(target, value, option.rule); }, option.target);
  if (!rule.empty()) complaints.add(text(option.name, ": \"", value, "\" is not ", rule));
}

void complain_of_unknown(const BoundForm& form, std::string_view name, Complaints& complaints) {
  std::vector<std::string_view> names = {"--help"};
  for (const auto& option : form.options) {
    if (is_option(option)) names.push_back(option.name);
  }
  const auto meant = base::nearest(name, names);
  const auto hint = meant.empty() ? text("; ", form.command, " --help lists them")
                                  : text("; did you mean ", meant, "?");
  complaints.add(text(name, ": no such option", hint));
}

// Walks over the arguments once.
class Reader {
 public:
  Reader(BoundForm& form, Arguments arguments, Complaints& complaints)
      : form_(form), arguments_(arguments), complaints_(complaints) {}

  void read() {
    bool options_ended = false;
    while (next_ < arguments_.size()) {
      const auto& word = arguments_[next_++];
      if (!options_ended && word == "--") {
        options_ended = true;
      } else if (!options_ended && word.size() > 1 && word.starts_with('-')) {
        read_option(word);
      } else {
        read_place(word);
      }
    }
  }

 private:
  void read_option(const std::string& word) {
    const auto equals = word.starts_with("--") ? word.find('=') : std::string::npos;
    const auto name = word.substr(0, equals);
    const auto option = std::ranges::find_if(form_.options, [&](const BoundOption& row) {
      return is_option(row) && (row.name == name || row.short_name == name);
    });
    if (option == form_.options.end()) {
      complain_of_unknown(form_, name, complaints_);
    } else if (equals != std::string::npos && is_flag(*option)) {
      complaints_.add(text(name, ": takes no value, got \"", word.substr(equals + 1), "\""));
    } else if (equals != std::string::npos) {
      take(*option, word.substr(equals + 1), complaints_);
    } else if (is_flag(*option)) {
      take(*option, {}, complaints_);
    } else if (next_ < arguments_.size()) {
      take(*option, arguments_[next_++], complaints_);
    } else {
      complaints_.add(text(name, ": needs a value, ", option->metavar));
    }
  }

  void read_place(const std::string& word) {
    const auto place = std::ranges::find_if(form_.options, [](const BoundOption& row) {
      return !is_option(row) && (is_list(row) || !row.given);
    });
    if (place == form_.options.end()) {
      complaints_.add(
          text("\"", word, "\": one argument too many; a text with spaces needs quotes"));
    } else {
      take(*place, word, complaints_);
    }
  }

  BoundForm& form_;
  Arguments arguments_;
  Complaints& complaints_;
  size_t next_ = 0;
};

std::string default_text(const Target& target) {
  if (const auto* const* string = std::get_if<std::string*>(&target)) return **string;
  if (const auto* const* whole = std::get_if<int64_t*>(&target)) return std::to_string(**whole);
  if (const auto* const* real = std::get_if<double*>(&target)) return number_text(**real);
  return {};
}

std::string left_column(const BoundOption& option) {
  const auto prefix = option.short_name.empty() ? std::string() : text(option.short_name, ", ");
  const auto suffix = option.metavar.empty() ? std::string() : text(" ", option.metavar);
  return text("  ", prefix, option.name, suffix);
}

std::string right_column(const BoundOption& option) {
  std::string line(option.help);
  if (!option.rule.choices.empty()) {
    line += text(" One of ", base::join(option.rule.choices, ", "), ".");
  }
  const auto preset = option.rule.required ? std::string() : default_text(option.target);
  if (!preset.empty()) line += text(" Default: ", preset, ".");
  return line;
}

// `line` from kHelpColumn on, broken between words.
void append_wrapped(std::string& out, std::string_view line) {
  size_t column = kHelpColumn;
  while (!line.empty()) {
    const auto word = line.substr(0, line.find(' '));
    if (column + word.size() > kHelpWidth) {
      out += '\n' + std::string(kHelpColumn, ' ');
      column = kHelpColumn;
    }
    out += word;
    column += word.size() + 1;
    line.remove_prefix(std::min(line.size(), word.size() + 1));
    if (!line.empty() && column < kHelpWidth) out += ' ';
  }
  out += '\n';
}

std::string usage_line(const BoundForm& form) {
  auto line = text("usage: ", form.command);
  for (const auto& option : form.options) {
    if (!is_option(option)) line += text(' ', option.name, is_list(option) ? "…" : "");
    if (is_option(option) && option.rule.required) {
      line += text(' ', option.name, ' ', option.metavar);
    }
  }
  return line + " [OPTIONS]\n";
}

}  // namespace

void Complaints::refuse() const {
  if (!lines_.empty()) throw base::Error(base::Fault::invalid, base::join(lines_, "\n"));
}

void read_bound(BoundForm& form, Arguments arguments, Complaints& complaints) {
  Reader(form, arguments, complaints).read();
  for (const auto& option : form.options) {
    if (option.rule.required && !option.given) {
      const auto what =
          is_option(option) ? text(option.name, ' ', option.metavar) : std::string(option.name);
      complaints.add(text(what, ": is missing; ", form.command, " --help tells more"));
    }
  }
}

std::string help_text(const BoundForm& form) {
  auto out = text(usage_line(form), '\n', form.summary, "\n\n");
  for (const auto& option : form.options) {
    auto left = left_column(option);
    out += left;
    const bool fits = left.size() + 2 <= kHelpColumn;
    out +=
        fits ? std::string(kHelpColumn - left.size(), ' ') : '\n' + std::string(kHelpColumn, ' ');
    append_wrapped(out, right_column(option));
  }
  if (!form.notes.empty()) out += text('\n', form.notes, '\n');
  return out;
}

bool asks_for_help(Arguments arguments) {
  const auto end = std::ranges::find(arguments, "--");
  return std::any_of(arguments.begin(), end, [](const std::string& word) {
    return word == "--help" || word == "-h";
  });
}

void print_help(const BoundForm& form) {
  std::cout << help_text(form);
}

}  // namespace cli
