// SPDX-License-Identifier: Apache-2.0
// The unigram model: the most likely way to put a text together from the pieces of a vocabulary.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/trie.h"

namespace text {

class Unigram {
 public:
  struct Piece {
    std::string text;
    double score = 0;  // logarithm of its probability
  };

  // A piece's id is its place in the vocabulary. `unknown_id` stands for what no piece covers.
  Unigram(const std::vector<Piece>& vocabulary, int32_t unknown_id);

  // Appends the ids of the best path through `valid` UTF-8; neighbouring unknown characters give
  // one id. Time grows linearly with the text.
  void encode(std::string_view valid, std::vector<int64_t>& ids) const;

  // The piece's id, or -1.
  int32_t find(std::string_view piece) const;

 private:
  // The best way to reach a position: with which piece, from where.
  struct Step {
    double score = 0;
    size_t from = kNowhere;
    int32_t id = -1;
  };
  static constexpr size_t kNowhere = static_cast<size_t>(-1);

  std::vector<Step> best_steps(std::string_view valid) const;

  std::vector<double> scores_;
  Trie trie_;
  int32_t unknown_id_;
  double unknown_score_;
};

}  // namespace text
