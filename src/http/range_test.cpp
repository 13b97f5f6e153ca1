// SPDX-License-Identifier: Apache-2.0
#include "http/range.h"

#include <gtest/gtest.h>

namespace {

using http::Fields;
using http::FilePart;

FilePart select(const Fields& headers, uint64_t bytes = 100, const std::string& method = "GET") {
  return http::select_part(method, headers, bytes, "tag");
}

FilePart range(const std::string& value, uint64_t bytes = 100) {
  return select({{"range", value}}, bytes);
}

void expect_part(const std::string& value, uint64_t offset, uint64_t length, const char* named) {
  const auto part = range(value);
  EXPECT_EQ(part.status, 206) << value;
  EXPECT_EQ(part.offset, offset) << value;
  EXPECT_EQ(part.length, length) << value;
  EXPECT_EQ(part.content_range, named) << value;
}

TEST(Range, IsThePartAskedFor) {
  expect_part("bytes=0-0", 0, 1, "bytes 0-0/100");
  expect_part("bytes=10-19", 10, 10, "bytes 10-19/100");
  expect_part("bytes=90-", 90, 10, "bytes 90-99/100");
  expect_part("Bytes= 90-1000", 90, 10, "bytes 90-99/100");
  expect_part("bytes=-1", 99, 1, "bytes 99-99/100");
  expect_part("bytes=-1000", 0, 100, "bytes 0-99/100");
  expect_part("bytes=1-99999999999999999999999", 1, 99, "bytes 1-99/100");
}

TEST(Range, BeyondTheEndIsNotSatisfiable) {
  for (const auto* value :
       {"bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"}) {
    const auto part = range(value);
    EXPECT_EQ(part.status, 416) << value;
    EXPECT_EQ(part.length, 0u) << value;
    EXPECT_EQ(part.content_range, "bytes */100") << value;
  }
  EXPECT_EQ(range("bytes=0-", 0).status, 416);
  EXPECT_EQ(range("bytes=-5", 0).status, 416);
}

TEST(Range, ThatIsMalformedOrManyIsTheWholeFile) {
  for (const auto* value : {"bytes=5-4",
                            "bytes=",
                            "bytes=-",
                            "bytes=a-b",
                            "bytes=1",
                            "bytes=1-2,4-5",
                            "bytes=1-2x",
                            "bytes=+1-2",
                            "bytes=1--2",
                            "bytes 1-2",
                            "pages=1-2",
                            ""}) {
    const auto part = range(value);
    EXPECT_EQ(part.status, 200) << value;
    EXPECT_EQ(part.length, 100u) << value;
  }
}

TEST(Range, IsOnlyForGet) {
  EXPECT_EQ(select({{"range", "bytes=0-1"}}, 100, "HEAD").status, 200);
}

TEST(Range, HoldsOnlyIfTheFileIsStillTheSame) {
  const auto status = [](const std::string& if_range) {
    return select({{"range", "bytes=0-1"}, {"if-range", if_range}}).status;
  };
  EXPECT_EQ(status("\"tag\""), 206);
  EXPECT_EQ(status("\"other\""), 200);
  EXPECT_EQ(status("W/\"tag\""), 200);
  EXPECT_EQ(status("tag"), 200);
  EXPECT_EQ(status("Sun, 06 Nov 1994 08:49:37 GMT"), 200);
  const Fields untagged = {{"range", "bytes=0-1"}, {"if-range", "\"\""}};
  EXPECT_EQ(http::select_part("GET", untagged, 100, "").status, 200);
}

TEST(Range, IsNotSentToWhoHasTheFile) {
  const auto status = [](const std::string& tags) {
    return select({{"if-none-match", tags}, {"range", "bytes=0-1"}}).status;
  };
  EXPECT_EQ(status("\"tag\""), 304);
  EXPECT_EQ(status("\"a\", W/\"tag\""), 304);
  EXPECT_EQ(status("*"), 304);
  EXPECT_EQ(status("\"a\", \"b\""), 206);
}

TEST(Range, IsRefusedToWhoWantsAnotherFile) {
  EXPECT_EQ(select({{"if-match", "\"a\""}}).status, 412);
  EXPECT_EQ(select({{"if-match", "W/\"tag\""}}).status, 412);
  EXPECT_EQ(select({{"if-match", "\"a\", \"tag\""}}).status, 200);
  EXPECT_EQ(select({{"if-match", "*"}}).status, 200);
}

}  // namespace
