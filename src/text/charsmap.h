// SPDX-License-Identifier: Apache-2.0
// The table of replacements that a SentencePiece model brings ("precompiled charsmap").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace text {

class Charsmap {
 public:
  // `table` is a four-byte length, a double-array trie of that many bytes (darts-clone units) and
  // the replacements, each ended by a zero byte. Throws Error(invalid) that starts with `origin`.
  Charsmap(std::string_view table, std::string_view origin);

  // Replaces every cluster shorter than six bytes by the shortest entry it starts with, if any;
  // otherwise every character by its entry, if any. This is the reading of the `tokenizers`
  // library, which differs from SentencePiece's own longest match.
  std::string normalize(std::string_view valid) const;

 private:
  std::optional<std::string_view> replacement(std::string_view chunk) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
};

}  // namespace text
