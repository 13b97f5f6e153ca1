// SPDX-License-Identifier: Apache-2.0
#include "toyworld/tokens.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "text/tokenizer.h"
#include "toyworld/batch.h"
#include "toyworld/prompts.h"

namespace {

using namespace toyworld;

TEST(Tokens, GiveEveryGrammarWordAPieceOfItsOwn) {
  EXPECT_LE(pieces().size(), static_cast<size_t>(kVocabulary));
  for (const auto& word : grammar_words()) {
    const auto ids = encode(word);
    ASSERT_EQ(ids.size(), 2u) << word;
    EXPECT_EQ(pieces()[static_cast<size_t>(ids[0])], "\u2581" + word);
    EXPECT_EQ(ids[1], kEndId);
  }
}

TEST(Tokens, IgnoreCaseAndSpaces) {
  EXPECT_EQ(encode("A  Red ball"), encode("a red ball"));
}

TEST(Tokens, SpellWhatTheyDoNotKnow) {
  EXPECT_EQ(encode("p3r5on").size(), 8u);  // mark, six signs, end
  const auto red = encode("red"), s = encode(".s"), reds = encode("reds");
  EXPECT_EQ(reds, (std::vector<int64_t>{red[0], s[s.size() - 2], kEndId}));
}

TEST(Tokens, MakeOneUnknownOfNeighbouringSigns) {
  const auto ids = encode("\u4e0d\u597d");
  EXPECT_EQ(ids, (std::vector<int64_t>{4, kUnknownId, kEndId}));
}

TEST(Tokens, AreThoseOfTheGeneralTokenizer) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "toyworld_tokenizer";
  write_tokenizer(folder);
  const auto general = text::Tokenizer::from_json(folder / "tokenizer.json");
  std::filesystem::remove_all(folder);
  auto prompts = draw_sentences(1, 0, 200).prompts;
  prompts.insert(prompts.end(),
                 {"",
                  "A Red STAR, spinning!",
                  "redder than p3r5on",
                  "\u4e0d\u597d \u4e0d",
                  "(x)",
                  "\u00e9t\u00e9"});
  for (const auto& prompt : prompts) EXPECT_EQ(encode(prompt), general.encode(prompt)) << prompt;
}

TEST(UnknownWords, AreThoseTheGrammarHasNot) {
  EXPECT_EQ(unknown_words("A red BALL, spinning; on white."), std::vector<std::string>{});
  EXPECT_EQ(unknown_words("a cat, 3 reds! A Cat \x1b[31m \u4e0d\u597d"),
            (std::vector<std::string>{"cat", "3", "reds", "31m", "\u4e0d\u597d"}));
}

TEST(PromptWarning, NamesWordsThatADemoModelDoesNotKnow) {
  const auto& demo = *specs::find_model("wan2.2-t2v-tiny");
  EXPECT_EQ(toyworld::prompt_warning(demo, "a red ball bounces"), "");
  EXPECT_TRUE(toyworld::prompt_warning(demo, "a cat on six tiny blue lazy dogs outside")
                  .starts_with("the demo model has no such words: cat, six, lazy, dogs, outside;"));
  EXPECT_EQ(toyworld::prompt_warning(*specs::find_model("wan2.2-t2v-a14b"), "a cat"), "");
}

TEST(Tokens, EndTheEmptyPrompt) {
  EXPECT_EQ(encode(""), std::vector<int64_t>{kEndId});
}

}  // namespace
