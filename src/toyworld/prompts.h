// SPDX-License-Identifier: Apache-2.0
// The toy world's language: a small grammar that says a concept in many ways, and its words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "toyworld/world.h"

namespace toyworld {

// The concept in the plainest words: "a red ball moves left on a white background".
std::string plain_prompt(const Concept& concept_);

// The concept in random words. A few carry a nonsense word, so that the model learns to look past
// words it does not know and a LoRA's trigger word starts out meaning nothing.
std::string random_prompt(const Concept& concept_, Random& random);

// What stands for "no prompt" in training: mostly the empty text, sometimes letters and unknown
// signs, so that a negative prompt in another language also means no prompt.
std::string random_unconditional(Random& random);

// Every word of the grammar once, in order of first use: the tokenizer's word pieces.
std::vector<std::string> grammar_words();

}  // namespace toyworld
