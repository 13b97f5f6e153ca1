// SPDX-License-Identifier: Apache-2.0
#include "text/unigram.h"

#include <algorithm>
#include <limits>

#include "text/utf8.h"

namespace text {
namespace {

// An unknown character costs this much more than the least likely piece (kUnkPenalty in
// SentencePiece's unigram_model.cc, K_UNK_PENALTY in tokenizers).
constexpr double kUnknownPenalty = 10.0;

Trie trie_of(const std::vector<Unigram::Piece>& vocabulary) {
  std::vector<Trie::Entry> words;
  words.reserve(vocabulary.size());
  for (size_t id = 0; id < vocabulary.size(); ++id) {
    words.emplace_back(vocabulary[id].text, static_cast<int32_t>(id));
  }
  return Trie(std::move(words));
}

}  // namespace

Unigram::Unigram(const std::vector<Piece>& vocabulary, int32_t unknown_id)
    : trie_(trie_of(vocabulary)), unknown_id_(unknown_id) {
  scores_.reserve(vocabulary.size());
  for (const auto& piece : vocabulary) scores_.push_back(piece.score);
  unknown_score_ = *std::ranges::min_element(scores_) - kUnknownPenalty;
}

void Unigram::encode(std::string_view valid, std::vector<int64_t>& ids) const {
  const auto steps = best_steps(valid);
  const auto first = static_cast<std::ptrdiff_t>(ids.size());
  for (size_t end = valid.size(); end > 0;) {
    size_t begin = steps[end].from;
    if (steps[end].id != unknown_id_) {
      ids.push_back(steps[end].id);
      end = begin;
      continue;
    }
    while (begin > 0 && steps[begin].id == unknown_id_) begin = steps[begin].from;
    const auto known = find(valid.substr(begin, end - begin));
    ids.push_back(known < 0 ? unknown_id_ : known);
    end = begin;
  }
  std::reverse(ids.begin() + first, ids.end());
}

int32_t Unigram::find(std::string_view piece) const {
  int32_t found = -1;
  trie_.prefixes(piece, [&](size_t length, int32_t id) {
    if (length == piece.size()) found = id;
  });
  return found;
}

std::vector<Unigram::Step> Unigram::best_steps(std::string_view valid) const {
  std::vector<Step> steps(valid.size() + 1);
  const auto offer = [&](size_t from, size_t length, int32_t id, double score) {
    auto& step = steps[from + length];
    const double total = steps[from].score + score;
    if (step.from == kNowhere || total > step.score) step = {total, from, id};
  };
  for (size_t at = 0; at < valid.size();) {
    const auto rest = valid.substr(at);
    const auto character = next_character(rest).bytes;
    bool is_known = false;
    trie_.prefixes(rest, [&](size_t length, int32_t id) {
      offer(at, length, id, scores_[id]);
      is_known = is_known || length == character;
    });
    if (!is_known) offer(at, character, unknown_id_, unknown_score_);
    at += character;
  }
  return steps;
}

}  // namespace text
