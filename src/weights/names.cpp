// SPDX-License-Identifier: Apache-2.0
#include "weights/names.h"

#include <optional>
#include <vector>

namespace weights {
namespace {

struct Match {
  std::vector<std::string_view> numbers;  // what each # stood for
  std::string_view rest;                  // ".weight", or nothing
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Matches whole words between dots: "blocks.1" is no beginning of "blocks.10".
std::optional<Match> match_beginning(std::string_view name, std::string_view pattern) {
  Match match;
  size_t at = 0;
  for (const char c : pattern) {
    const size_t begin = at;
    if (c == '#') {
      while (at < name.size() && is_digit(name[at])) ++at;
      if (at == begin) return std::nullopt;
      match.numbers.push_back(name.substr(begin, at - begin));
    } else if (at < name.size() && name[at] == c) {
      ++at;
    } else {
      return std::nullopt;
    }
  }
  match.rest = name.substr(at);
  if (!match.rest.empty() && match.rest[0] != '.') return std::nullopt;
  return match;
}

std::string fill(std::string_view pattern, const std::vector<std::string_view>& numbers) {
  std::string filled;
  size_t next = 0;
  for (const char c : pattern) {
    if (c == '#') {
      filled += numbers.at(next++);
    } else {
      filled += c;
    }
  }
  return filled;
}

std::string rename_inside(std::span<const NameRow> rows, std::string_view rest) {
  for (const auto& row : rows) {
    if (rest.empty()) break;
    if (const auto match = match_beginning(rest.substr(1), row.theirs)) {
      return "." + fill(row.official, match->numbers) + std::string(match->rest);
    }
  }
  return std::string(rest);
}

}  // namespace

std::string official_name(const NameTable& table, std::string_view name) {
  for (const auto& row : table.modules) {
    if (const auto match = match_beginning(name, row.theirs)) {
      return fill(row.official, match->numbers) + rename_inside(table.inside, match->rest);
    }
  }
  return std::string(name);
}

std::string foreign_name(const NameTable& table, std::string_view official) {
  for (const auto& row : table.modules) {
    if (const auto match = match_beginning(official, row.official)) {
      return fill(row.theirs, match->numbers) + std::string(match->rest);
    }
  }
  return std::string(official);
}

bool lies_below(std::string_view name, std::string_view module) {
  return match_beginning(name, module).has_value();
}

}  // namespace weights
