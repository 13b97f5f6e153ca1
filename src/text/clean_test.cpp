// SPDX-License-Identifier: Apache-2.0
#include "text/clean.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/html.h"
#include "text/utf8.h"

namespace {

using text::clean;
using namespace std::string_view_literals;

std::string refusal(std::string_view prompt) {
  try {
    clean(prompt);
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::invalid);
    return error.what();
  }
  return "accepted";
}

std::string repeated(std::string_view part, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += part;
  return all;
}

TEST(Clean, LeavesPlainTextAlone) {
  EXPECT_EQ(clean("A red kite over a quiet harbour, 4k."), "A red kite over a quiet harbour, 4k.");
}

TEST(Clean, ReducesEveryKindOfWhiteSpaceToOneSpace) {
  EXPECT_EQ(clean("  a\t\r\n b\u2028c\u3000d\u00a0 e\u2003 "), "a b c d e");
  EXPECT_EQ(clean(""), "");
  EXPECT_EQ(clean(" \n\t "), "");
}

TEST(Clean, MakesFullWidthPunctuationAscii) {
  EXPECT_EQ(clean("模糊，低质量：ＡＢＣ！。"), "模糊,低质量:ABC!。");
}

TEST(Clean, StraightensQuotesAndOpensLigatures) {
  EXPECT_EQ(clean("\u201cﬁne\u201d \u2018ﬆop\u2019"), "\"fine\" 'stop'");
}

TEST(Clean, ReadsC1ControlsAsWindows1252) {
  EXPECT_EQ(clean("\u0091a\u0092\u0085\u0080"), "'a'…€");
}

TEST(Clean, DropsControlsAndTerminalColours) {
  EXPECT_EQ(clean("a\0b\x7f \x1b[1;31mred\x1b[0m"sv), "ab red");
  EXPECT_EQ(clean("\x1b[12"), "[12");
}

TEST(Clean, UnescapesHtmlTwiceAndMoreWhereNoTagIsSeen) {
  EXPECT_EQ(clean("fish &amp;amp;amp;amp;amp; chips"), "fish & chips");
  EXPECT_EQ(clean("<b> &amp;amp;amp;"), "<b> &amp;");
  EXPECT_EQ(clean("&ldquo;q&rdquo;"), "\"q\"");
  EXPECT_EQ(clean("<b>\n&ldquo;q&rdquo;"), "<b> “q”");
}

TEST(Clean, KnowsLowerCaseNamesInCapitals) {
  EXPECT_EQ(clean("&EACUTE; &SZLIG; &ALPHA;"), "É SS Α");
  // Capitals that begin with a name of HTML are that name.
  EXPECT_EQ(clean("&LTRIE;"), "<RIE;");
}

#ifdef ZOETROPE_WITH_UTF8PROC
TEST(Clean, ComposesCharactersAndWidensKatakana) {
  EXPECT_EQ(clean("e\u0301 \u1100\u1161\u11a8"), "\u00e9 \uac01");
  EXPECT_EQ(clean("\uff76\uff9e"), "\u30ac");
}

// Sorting a run of marks by exchanging neighbours would take minutes here.
TEST(Clean, TakesAHundredKilobytesOfCombiningMarks) {
  const auto marks = clean("x" + repeated("\u0301\u0316", 25'000));
  EXPECT_EQ(marks.size(), 1 + 2 * 50'000u);
  EXPECT_TRUE(marks.starts_with("x\u0316\u0316"));
}
#else
TEST(Clean, RefusesWhatItCannotComposeInsteadOfLeavingItOut) {
  EXPECT_EQ(refusal("e\u0301"),
            "the prompt has the character U+301, which needs the utf8proc library; this program "
            "was built without it");
}
#endif

TEST(Clean, TakesAHundredKilobytesOfAnything) {
  EXPECT_EQ(clean(repeated("word ", 20'000)).size(), 99'999u);
  EXPECT_EQ(clean(repeated("\n", 100'000)), "");
  EXPECT_EQ(clean(repeated("&", 100'000)).size(), 100'000u);
  EXPECT_EQ(clean(repeated("😀", 25'000)).size(), 100'000u);
}

TEST(Clean, RefusesInvalidUtf8WithThePosition) {
  EXPECT_EQ(refusal("ab\xff"), "the prompt is not valid UTF-8: bad byte at position 2");
  EXPECT_EQ(refusal("é\xc3"), "the prompt is not valid UTF-8: bad byte at position 2");
  EXPECT_EQ(refusal("\xed\xa0\x80"), "the prompt is not valid UTF-8: bad byte at position 0");
  EXPECT_EQ(refusal("\xc0\x80"), "the prompt is not valid UTF-8: bad byte at position 0");
  EXPECT_EQ(refusal("\xf4\x90\x80\x80"), "the prompt is not valid UTF-8: bad byte at position 0");
}

TEST(Clean, RefusesEscapesOfEscapesWithoutEnd) {
  EXPECT_EQ(refusal("&" + repeated("amp;", 25'000)),
            "the prompt has HTML escapes of escapes, more than 100 deep");
}

TEST(Clean, ReadsUtf8AgainThatWasReadAsWindows1252) {
  EXPECT_EQ(clean("sch\u00c3\u00b6n"), "schön");
  EXPECT_EQ(clean("don\u00e2\u20ac\u2122t"), "don't");
  EXPECT_EQ(clean("\u00e6\u00b1\u2030\u00e5\u00ad\u2014"), "汉字");
  EXPECT_EQ(clean("\u00c3\u00a9t\u00c3\u00a9 \u00c3 la plage"), "été à la plage");
  EXPECT_EQ(clean("\u00c3\u0192\u00c2\u00b6"), "ö");  // twice
}

TEST(Clean, LeavesAccentedLettersBesideMarksAlone) {
  for (const std::string_view honest :
       {"SÃO JOÃO, IRMÃ…", "CAFÉ™ É® ÜBER…", "«voilà» «À» d'été…", "São Tomé – naïve façade"}) {
    EXPECT_EQ(clean(honest), honest);
  }
}

std::string unescape(std::string_view html) {
  return text::encode(text::unescape_html(text::decode(html)));
}

// The examples are those of the HTML standard and of Python's html.unescape.
TEST(Html, UnescapesNamesNumbersAndTheirAccidents) {
  EXPECT_EQ(unescape("&eacute;&eacute &copy;&notin;&notit; &nosuch;"), "éé ©∉¬it; &nosuch;");
  EXPECT_EQ(unescape("&#233;&#xE9;&#xe9 &#x;&#;"), "éé\u00e9 &#x;&#;");
  EXPECT_EQ(unescape("&#0;&#xD800;&#1114112;&#99999999999;"), "\ufffd\ufffd\ufffd\ufffd");
  EXPECT_EQ(unescape("&#128;&#x81;&#1;&#xFFFE;|"), "€\u0081|");
  EXPECT_EQ(unescape("&NotEqualTilde;"), "\u2242\u0338");
}

TEST(Html, TheTableIsCompleteAndInOrder) {
  const auto all = text::html_entities();
  EXPECT_EQ(all.size(), 2231u);
  for (size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].name, all[i].name);
}

}  // namespace
