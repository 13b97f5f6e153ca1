// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/json.h"
#include "text/charsmap.h"
#include "text/graphemes.h"

namespace {

using base::Json;
using Ids = std::vector<int64_t>;
using text::Tokenizer;

const std::string kMark = "\u2581";

Json small_tokenizer() {
  auto json = Json::parse(R"({
    "added_tokens": [{"id": 0, "content": "<pad>"}, {"id": 1, "content": "</s>"},
                     {"id": 2, "content": "</s"}],
    "normalizer": {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
    "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"},
    "post_processor": {
      "type": "TemplateProcessing",
      "single": [{"Sequence": {"id": "A"}}, {"SpecialToken": {"id": "</s>"}}],
      "special_tokens": {"</s>": {"ids": [1]}}
    },
    "model": {
      "type": "Unigram",
      "unk_id": 3,
      "vocab": [["<pad>", 0], ["</s>", 0], ["</s", 0], ["<unk>", 0], ["\u2581", -2], ["a", -3],
                ["b", -3], ["\u2581a", -4], ["ab", -5.5], ["aab", -20]]
    }
  })");
  for (auto& token : json["added_tokens"]) {
    for (const auto* flag : {"single_word", "lstrip", "rstrip", "normalized"}) token[flag] = false;
  }
  return json;
}

// A tokenizer read from a file that is gone when the test ends.
class TokenizerFile : public testing::Test {
 protected:
  Tokenizer load(const Json& json) {
    base::write_file(file_, json.dump());
    return Tokenizer::from_json(file_);
  }

  std::string refusal(const Json& json) {
    try {
      load(json);
    } catch (const base::Error& error) {
      const std::string message = error.what();
      EXPECT_TRUE(message.starts_with(file_.string())) << message;
      return message.substr(file_.string().size());
    }
    return "accepted";
  }

  void TearDown() override { std::filesystem::remove(file_); }

  std::filesystem::path file_ =
      std::filesystem::temp_directory_path() /
      (std::string("zoetrope_tokenizer_") +
       testing::UnitTest::GetInstance()->current_test_info()->name() + ".json");
};

TEST_F(TokenizerFile, TakesTheMostLikelyPathThroughThePieces) {
  const auto tokenizer = load(small_tokenizer());
  EXPECT_EQ(tokenizer.encode("ab"), (Ids{7, 6, 1}));   // -4-3 beats -2-5.5
  EXPECT_EQ(tokenizer.encode("aab"), (Ids{7, 8, 1}));  // -4-5.5 beats -4-3-3 and -2-20
  EXPECT_EQ(tokenizer.encode("ab a"), (Ids{7, 6, 7, 1}));
}

TEST_F(TokenizerFile, ARunOfUnknownCharactersIsOneToken) {
  const auto tokenizer = load(small_tokenizer());
  EXPECT_EQ(tokenizer.encode("a猫犬b"), (Ids{7, 3, 6, 1}));
  EXPECT_EQ(tokenizer.encode("猫 犬"), (Ids{4, 3, 4, 3, 1}));
}

TEST_F(TokenizerFile, AddedTokensStandForThemselvesTheLongestFirst) {
  const auto tokenizer = load(small_tokenizer());
  EXPECT_EQ(tokenizer.encode("a</s>b</s"), (Ids{7, 1, 4, 6, 2, 1}));
  EXPECT_EQ(tokenizer.encode("</s>"), (Ids{1, 1}));
}

TEST_F(TokenizerFile, AnAddedTokenMayTakeTheSpaceAroundIt) {
  auto json = small_tokenizer();
  EXPECT_EQ(load(json).encode("a </s> a"), (Ids{7, 4, 1, 7, 1}));
  json["added_tokens"][1]["lstrip"] = true;
  EXPECT_EQ(load(json).encode("a </s> a"), (Ids{7, 1, 7, 1}));
  json["added_tokens"][1]["rstrip"] = true;
  EXPECT_EQ(load(json).encode("a </s> b"), (Ids{7, 1, 4, 6, 1}));
}

TEST_F(TokenizerFile, CutsToTheLengthAndKeepsTheEndToken) {
  const auto tokenizer = load(small_tokenizer());
  EXPECT_EQ(tokenizer.encode("a a a a", 3), (Ids{7, 7, 1}));
  EXPECT_EQ(tokenizer.encode("", 3), (Ids{1}));
  EXPECT_EQ(tokenizer.encode(std::string(100'000, 'a')).size(), Tokenizer::kMaxLength);
}

TEST_F(TokenizerFile, KnowsTheThreeFormsOfMetaspace) {
  auto json = small_tokenizer();
  EXPECT_EQ(load(json).encode("a</s>a"), (Ids{7, 1, 7, 1}));
  json["pre_tokenizer"]["prepend_scheme"] = "first";
  EXPECT_EQ(load(json).encode("a</s>a"), (Ids{7, 1, 5, 1}));
  json["pre_tokenizer"] = {
      {"type", "Metaspace"}, {"replacement", kMark}, {"add_prefix_space", false}};
  EXPECT_EQ(load(json).encode("a"), (Ids{5, 1}));
  json["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "WhitespaceSplit"}}, {{"type", "Metaspace"}, {"replacement", kMark}}}}};
  EXPECT_EQ(load(json).encode(" a \u3000 a "), (Ids{7, 7, 1}));
}

TEST_F(TokenizerFile, RefusesWhatItWouldOtherwiseLeaveOut) {
  auto json = small_tokenizer();
  json["normalizer"] = {{"type", "Lowercase"}};
  EXPECT_EQ(refusal(json), ": normalizer {\"type\":\"Lowercase\"} is not supported");
  json = small_tokenizer();
  json["model"]["type"] = "BPE";
  EXPECT_EQ(refusal(json), ": model is BPE, expected Unigram");
  json = small_tokenizer();
  json["model"]["unk_id"] = 10;
  EXPECT_EQ(refusal(json), ": unk_id 10 is outside the vocabulary of 10");
  json = small_tokenizer();
  json.erase("post_processor");
  EXPECT_TRUE(refusal(json).starts_with(": not a tokenizer: ")) << refusal(json);
  EXPECT_EQ(refusal(Json::array()).substr(0, 18), ": not a tokenizer:");
}

TEST_F(TokenizerFile, RefusesInvalidUtf8) {
  const auto tokenizer = load(small_tokenizer());
  EXPECT_THROW(tokenizer.encode("a\xff"), base::Error);
}

TEST(Graphemes, MarksAndJoinersBelongToTheCharacterBefore) {
  EXPECT_EQ(text::first_cluster("e\u0301x"), 3u);
  EXPECT_EQ(text::first_cluster("ex"), 1u);
  EXPECT_EQ(text::first_cluster("\r\nx"), 2u);
  EXPECT_EQ(text::first_cluster("\n\u0301"), 1u);
  EXPECT_EQ(text::first_cluster("\u0915\u093f\u0915"), 6u);
  const std::string_view family = "👩\u200d👧x";
  EXPECT_EQ(text::first_cluster(family), family.size() - 1);
}

// Two entries, "a" -> "b" and "e\u0301" -> "E", as darts-clone units laid out by hand.
std::string charsmap_table() {
  std::vector<uint32_t> units(256, 0xFFu);
  const auto link = [&](uint32_t at, uint8_t label, uint32_t offset, bool value) {
    units[at] = label | (value ? 0x100u : 0u) | offset << 10;
  };
  const auto leaf = [&](uint32_t at, uint32_t value) { units[at] = 0x80000000u | value; };
  link(0, 0, 1, false);
  link(1 ^ 'a', 'a', 64, true);
  leaf((1 ^ 'a') ^ 64, 0);
  link(1 ^ 'e', 'e', 129, false);
  const uint32_t second = (1 ^ 'e') ^ 129 ^ 0xCC;
  link(second, 0xCC, 3, false);
  const uint32_t third = second ^ 3 ^ 0x81;
  link(third, 0x81, 200, true);
  leaf(third ^ 200, 2);
  const auto bytes = static_cast<uint32_t>(units.size() * sizeof(uint32_t));
  std::string table(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  table.append(reinterpret_cast<const char*>(units.data()), bytes);
  table.append("b\0E\0", 4);
  return table;
}

TEST(Charsmap, ReplacesShortClustersWholeAndOthersByTheirCharacters) {
  const text::Charsmap charsmap(charsmap_table(), "test");
  EXPECT_EQ(charsmap.normalize("axe\u0301e"), "bxEe");
  // The shortest entry stands for the whole cluster, as long as that is under six bytes.
  EXPECT_EQ(charsmap.normalize("a\u0301"), "b");
  EXPECT_EQ(charsmap.normalize("a\u0301\u0301\u0301"), "b\u0301\u0301\u0301");
}

TEST(Charsmap, RefusesADamagedTable) {
  const auto whole = charsmap_table();
  EXPECT_THROW(text::Charsmap(whole.substr(0, 3), "test"), base::Error);
  EXPECT_THROW(text::Charsmap(whole.substr(0, 900), "test"), base::Error);
}

}  // namespace
