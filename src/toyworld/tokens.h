// SPDX-License-Identifier: Apache-2.0
// The demo family's tokenizer: its pieces, its ids for the grammar, and its files. Training uses
// encode() and so needs no tokenizer library; a test compares it with the general tokenizer reading
// the written files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "specs/specs.h"

namespace toyworld {

constexpr int kVocabulary = 192;  // rows of the embedding; the pieces fill most of them
constexpr int64_t kPadId = 0, kEndId = 1, kUnknownId = 3;

// Every piece in id order: pad, end, start, unknown, the bare word mark, punctuation, letters,
// digits, then one piece per grammar word.
const std::vector<std::string>& pieces();

// Ids of a text, closed by the end token. Words outside the grammar become the longest known
// beginning and letters; neighbouring unknown signs become one unknown token.
std::vector<int64_t> encode(std::string_view prompt);

// The words of a text that the grammar has not, in lower case and each once, in order: the models
// read them in pieces and take nothing from them. Signs that are neither ASCII letters and digits
// nor parts of other characters end a word.
std::vector<std::string> unknown_words(std::string_view prompt);

// What somebody should know who gave this model this prompt: words that a demo model, which is one
// that has a native size, knows nothing of. Empty where nothing is odd.
std::string prompt_warning(const specs::ModelSpec& model, std::string_view prompt);

// Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json into `folder`, as
// google/umt5-xxl/ of the official layout has them.
void write_tokenizer(const std::filesystem::path& folder);

}  // namespace toyworld
