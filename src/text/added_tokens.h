// SPDX-License-Identifier: Apache-2.0
// Tokens that stand for themselves wherever their text occurs, such as </s>.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/trie.h"

namespace text {

struct AddedToken {
  std::string content;
  int64_t id = 0;
  bool takes_left_space = false;
  bool takes_right_space = false;
};

// A piece of text between tokens, or one token.
struct Stretch {
  std::string_view text;
  int64_t token = -1;  // -1: plain text
};

class AddedTokens {
 public:
  explicit AddedTokens(std::vector<AddedToken> tokens);

  // Cuts valid UTF-8 at every token, the leftmost first and of those the longest. No stretch of
  // text is empty.
  std::vector<Stretch> split(std::string_view valid) const;

 private:
  const AddedToken* longest_at(std::string_view rest) const;

  std::vector<AddedToken> tokens_;
  Trie trie_;
};

}  // namespace text
