// SPDX-License-Identifier: Apache-2.0
// The text transformations that a tokenizer.json asks for.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace text {

// "normalizer": steps applied in order to valid UTF-8.
class Normalizer {
 public:
  // Knows Sequence, Precompiled, Replace and Strip; null does nothing. Throws Error(invalid) that
  // starts with `origin` for anything else: leaving a step out would give other tokens.
  Normalizer(const base::Json& normalizer, std::string_view origin);

  std::string operator()(std::string_view valid) const;

 private:
  void add(const base::Json& step, std::string_view origin);

  std::vector<std::function<std::string(std::string_view)>> steps_;
};

// "pre_tokenizer": cuts normalised text into words that are tokenised on their own.
class PreTokenizer {
 public:
  // Knows WhitespaceSplit and Metaspace in its three spellings, alone or in a Sequence; refuses
  // anything else as Normalizer does.
  PreTokenizer(const base::Json& pre_tokenizer, std::string_view origin);

  // `at_start`: whether `valid` is the beginning of the whole text.
  std::vector<std::string> operator()(std::string_view valid, bool at_start) const;

 private:
  enum class Prefix { always, first, never };

  void add(const base::Json& step, std::string_view origin);
  void append_words(std::string_view chunk, bool is_first, std::vector<std::string>& words) const;

  bool splits_at_spaces_ = false;
  bool has_metaspace_ = false;
  bool splits_at_mark_ = true;
  std::string mark_;  // what stands for a space: U+2581
  Prefix prefix_ = Prefix::always;
};

}  // namespace text
