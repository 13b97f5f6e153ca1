// SPDX-License-Identifier: Apache-2.0
#include "toyworld/tokens.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <sstream>

#include "base/bytes.h"
#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "toyworld/prompts.h"

namespace toyworld {
namespace {

using base::Json;
using base::text;

constexpr std::string_view kWordMark = "\u2581";
constexpr std::string_view kPunctuation = ".,;:!?'\"-()/";

// A word piece must outweigh spelling the same word in letters, whatever its length.
constexpr double kWordScore = -1, kLetterScore = -10;

std::vector<std::string> make_pieces() {
  std::vector<std::string> made = {"<pad>", "</s>", "<s>", "<unk>", std::string(kWordMark)};
  for (const char sign : kPunctuation) made.emplace_back(1, sign);
  for (char letter = 'a'; letter <= 'z'; ++letter) made.emplace_back(1, letter);
  for (char digit = '0'; digit <= '9'; ++digit) made.emplace_back(1, digit);
  for (const auto& word : grammar_words()) made.push_back(text(kWordMark, word));
  if (made.size() > kVocabulary) {
    throw base::Error(base::Fault::internal,
                      text(made.size(), " pieces, the vocabulary holds ", kVocabulary));
  }
  return made;
}

const std::map<std::string, int64_t, std::less<>>& ids() {
  static const auto kIds = [] {
    std::map<std::string, int64_t, std::less<>> made;
    for (size_t id = 4; id < pieces().size(); ++id) {
      made[pieces()[id]] = static_cast<int64_t>(id);
    }
    return made;
  }();
  return kIds;
}

std::string lower(std::string_view prompt) {
  std::string result(prompt);
  for (char& sign : result) {
    if (sign >= 'A' && sign <= 'Z') sign = static_cast<char>(sign - 'A' + 'a');
  }
  return result;
}

// The most probable segmentation of one word: with these scores, the longest known beginning and
// then single letters.
void encode_word(const std::string& word, std::vector<int64_t>& out) {
  const std::string marked = text(kWordMark, word);
  size_t end = marked.size();
  while (!ids().contains(std::string_view(marked).substr(0, end))) --end;
  out.push_back(ids().find(std::string_view(marked).substr(0, end))->second);
  for (; end < marked.size(); ++end) {
    const auto found = ids().find(std::string_view(marked).substr(end, 1));
    if (found != ids().end()) {
      out.push_back(found->second);
    } else if (out.back() != kUnknownId) {
      out.push_back(kUnknownId);
    }
  }
}

Json replace(const Json& pattern, std::string_view content) {
  return {{"type", "Replace"}, {"pattern", pattern}, {"content", content}};
}

// Lower case, letter by letter, as steps that every reader of the format knows; then single spaces.
Json normalizer_json() {
  Json steps = Json::array();
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    const std::string capital(1, static_cast<char>(letter - 'a' + 'A'));
    steps.push_back(replace({{"String", capital}}, std::string_view(&letter, 1)));
  }
  steps.push_back(replace({{"Regex", " {2,}"}}, " "));
  return {{"type", "Sequence"}, {"normalizers", steps}};
}

Json tokenizer_json() {
  Json vocabulary = Json::array();
  for (size_t id = 0; id < pieces().size(); ++id) {
    const bool special = id < 4;
    const bool word = pieces()[id].starts_with(kWordMark) && pieces()[id] != kWordMark;
    vocabulary.push_back({pieces()[id], special ? 0.0 : word ? kWordScore : kLetterScore});
  }
  Json added = Json::array();
  for (size_t id = 0; id < 4; ++id) {
    added.push_back({{"id", id},
                     {"content", pieces()[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  const Json spaces = {{"type", "Metaspace"},
                       {"replacement", kWordMark},
                       {"prepend_scheme", "always"},
                       {"split", true}};
  const Json sequence = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const Json end = {{"SpecialToken", {{"id", "</s>"}, {"type_id", 0}}}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", added},
          {"normalizer", normalizer_json()},
          {"pre_tokenizer", spaces},
          {"post_processor",
           {{"type", "TemplateProcessing"},
            {"single", Json::array({sequence, end})},
            {"pair", Json::array({sequence, end})},
            {"special_tokens",
             {{"</s>",
               {{"id", "</s>"}, {"ids", Json::array({1})}, {"tokens", Json::array({"</s>"})}}}}}}},
          {"decoder", spaces},
          {"model",
           {{"type", "Unigram"},
            {"unk_id", kUnknownId},
            {"vocab", vocabulary},
            {"byte_fallback", false}}}};
}

}  // namespace

const std::vector<std::string>& pieces() {
  static const auto kPieces = make_pieces();
  return kPieces;
}

std::vector<int64_t> encode(std::string_view prompt) {
  std::vector<int64_t> result;
  std::istringstream words(lower(prompt));
  for (std::string word; words >> word;) encode_word(word, result);
  result.push_back(kEndId);
  return result;
}

std::vector<std::string> unknown_words(std::string_view prompt) {
  std::string spaced = lower(prompt);
  for (char& sign : spaced) {
    const auto byte = static_cast<unsigned char>(sign);
    if (byte < 0x80 && std::isalnum(byte) == 0) sign = ' ';
  }
  std::vector<std::string> unknown;
  std::set<std::string> seen;
  std::istringstream words(spaced);
  for (std::string word; words >> word;) {
    if (seen.insert(word).second && !ids().contains(text(kWordMark, word))) unknown.push_back(word);
  }
  return unknown;
}

std::string prompt_warning(const specs::ModelSpec& model, std::string_view prompt) {
  if (!model.is_demo()) return {};
  constexpr size_t kShown = 5;
  auto unknown = unknown_words(prompt);
  if (unknown.empty()) return {};
  const auto more = unknown.size() > kShown ? text(" and ", unknown.size() - kShown, " more") : "";
  unknown.resize(std::min(unknown.size(), kShown));
  return text(
      "the demo model has no such words: ",
      base::join(unknown, ", "),
      more,
      "; it understands one coloured shape, one motion and one background, as in \"a red ball "
      "bounces on a navy background\" (all words: weights/tiny/README.md)");
}

void write_tokenizer(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const Json special = {{"eos_token", "</s>"}, {"pad_token", "<pad>"}, {"unk_token", "<unk>"}};
  Json config = special;
  config["tokenizer_class"] = "T5Tokenizer";
  config["extra_ids"] = 0;
  base::write_file(folder / "tokenizer.json", tokenizer_json().dump(1) + "\n");
  base::write_file(folder / "tokenizer_config.json", config.dump(1) + "\n");
  base::write_file(folder / "special_tokens_map.json", special.dump(1) + "\n");
}

}  // namespace toyworld
