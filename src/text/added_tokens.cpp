// SPDX-License-Identifier: Apache-2.0
#include "text/added_tokens.h"

#include <algorithm>

#include "text/utf8.h"

namespace text {
namespace {

Trie trie_of(const std::vector<AddedToken>& tokens) {
  std::vector<Trie::Entry> words;
  for (size_t i = 0; i < tokens.size(); ++i) {
    words.emplace_back(tokens[i].content, static_cast<int32_t>(i));
  }
  return Trie(std::move(words));
}

size_t leading_space(std::string_view valid) {
  size_t bytes = 0;
  while (bytes < valid.size()) {
    const auto character = next_character(valid.substr(bytes));
    if (!is_space(character.value)) break;
    bytes += character.bytes;
  }
  return bytes;
}

// Where the space at the end of `valid` begins.
size_t trailing_space(std::string_view valid) {
  size_t begin = 0;
  for (size_t at = 0; at < valid.size();) {
    const auto character = next_character(valid.substr(at));
    at += character.bytes;
    if (!is_space(character.value)) begin = at;
  }
  return begin;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens)
    : tokens_(std::move(tokens)), trie_(trie_of(tokens_)) {}

std::vector<Stretch> AddedTokens::split(std::string_view valid) const {
  std::vector<Stretch> stretches;
  size_t begin = 0;  // of the text that belongs to no stretch yet
  for (size_t at = 0; at < valid.size();) {
    const auto* token = longest_at(valid.substr(at));
    if (token == nullptr) {
      at += next_character(valid.substr(at)).bytes;
      continue;
    }
    auto text = valid.substr(begin, at - begin);
    if (token->takes_left_space) text = text.substr(0, trailing_space(text));
    at += token->content.size();
    if (token->takes_right_space) at += leading_space(valid.substr(at));
    if (!text.empty()) stretches.push_back({text});
    stretches.push_back({token->content, token->id});
    begin = at;
  }
  if (begin < valid.size()) stretches.push_back({valid.substr(begin)});
  return stretches;
}

const AddedToken* AddedTokens::longest_at(std::string_view rest) const {
  const AddedToken* longest = nullptr;
  trie_.prefixes(rest, [&](size_t, int32_t index) { longest = &tokens_[index]; });
  return longest;
}

}  // namespace text
