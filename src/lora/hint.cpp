// SPDX-License-Identifier: Apache-2.0
#include "lora/hint.h"

#include <cctype>
#include <charconv>
#include <optional>
#include <set>
#include <utility>

namespace lora {
namespace {

constexpr int kTimesteps = 1000;

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = problem == std::errc() && end == text.data() + text.size();
  return is_number ? std::optional(value) : std::nullopt;
}

// "900,1000"
Hint by_range(std::string_view range) {
  const auto comma = range.find(',');
  if (comma == std::string_view::npos) return Hint::none;
  const auto from = number(range.substr(0, comma));
  const auto to = number(range.substr(comma + 1));
  if (!from || !to) return Hint::none;
  if (*from > 0 && *to == kTimesteps) return Hint::high_noise;
  if (*from == 0 && *to < kTimesteps) return Hint::low_noise;
  return Hint::none;
}

// Its words in small letters, as any other character parts them.
std::set<std::string> words_of(std::string_view name) {
  std::set<std::string> words;
  std::string word;
  for (const unsigned char c : name) {
    if (std::isalnum(c) != 0) {
      word += static_cast<char>(std::tolower(c));
    } else {
      words.insert(std::exchange(word, {}));
    }
  }
  words.insert(word);
  return words;
}

}  // namespace

Hint hint_of(std::string_view file_name, const std::map<std::string, std::string>& metadata) {
  const auto range = metadata.find("modelspec.timestep_range");
  if (range != metadata.end()) {
    const auto hint = by_range(range->second);
    if (hint != Hint::none) return hint;
  }
  const auto words = words_of(file_name);
  const bool is_high = words.contains("high") || words.contains("highnoise");
  const bool is_low = words.contains("low") || words.contains("lownoise");
  if (is_high == is_low) return Hint::none;
  return is_high ? Hint::high_noise : Hint::low_noise;
}

}  // namespace lora
