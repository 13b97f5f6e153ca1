// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace {

std::string refusal(std::string_view text, base::JsonLimits limits = {}) {
  try {
    base::parse_json(text, "config.json", limits);
  } catch (const base::Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Json, ReadsAnObject) {
  EXPECT_EQ(base::parse_json(R"({"a": [1, {"b": 2}]})", "x")["a"][1]["b"], 2);
}

TEST(Json, RefusesADuplicateKeyByName) {
  EXPECT_EQ(refusal(R"({"steps": 1, "steps": 2})"),
            "config.json: JSON has the key \"steps\" twice");
}

TEST(Json, SaysWhereAndWhyWithoutTheLibrarysNames) {
  EXPECT_EQ(
      refusal("{"),
      "config.json: not valid JSON: parse error at line 1, column 2: syntax error while parsing "
      "object key - unexpected end of input; expected string literal");
  EXPECT_EQ(refusal("[1e999]"), "config.json: not valid JSON: number overflow parsing '1e999'");
}

TEST(Json, DoesNotRepeatAllOfALongText) {
  EXPECT_LT(refusal('"' + std::string(100'000, 'a')).size(), 500u);
  const auto key = std::string(100'000, 'k');
  EXPECT_LT(refusal("{\"" + key + "\": 1, \"" + key + "\": 2}").size(), 500u);
}

TEST(Json, AllowsTheSameKeyInSiblingObjects) {
  EXPECT_EQ(refusal(R"([{"a": 1}, {"a": 2}, {"b": {"a": 3}, "a": 4}])"), "accepted");
}

TEST(Json, RefusesNestingBeyondTheLimit) {
  EXPECT_EQ(refusal("[[[1]]]", {.depth = 3}), "accepted");
  EXPECT_NE(refusal("[[[[1]]]]", {.depth = 3}).find("nested deeper than 3"), std::string::npos);
}

TEST(Json, RefusesANestingBombWithoutFollowingIt) {
  EXPECT_NE(refusal(std::string(5'000'000, '[')).find("nested deeper than 32"), std::string::npos);
}

TEST(Json, RefusesTrailingText) {
  EXPECT_NE(refusal("{} x").find("not valid JSON"), std::string::npos);
}

TEST(Json, RefusesTextOverTheByteLimit) {
  EXPECT_EQ(refusal("[1,2,3]", {.bytes = 3}), "config.json: 7 bytes of JSON, at most 3");
}

}  // namespace
