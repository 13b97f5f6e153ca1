// SPDX-License-Identifier: Apache-2.0
#include "http/multipart.h"

#include <random>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/text.h"
#include "http/test_server.h"

namespace {

using http::Part;

const std::string kType = "multipart/form-data; boundary=XyZ";

// One part per argument, each a header without its last line end, an empty line and the content.
std::string body_of(const std::vector<std::string>& parts) {
  std::string body;
  for (const auto& part : parts) body += "--XyZ\r\n" + part + "\r\n";
  return body + "--XyZ--\r\n";
}

std::string content(const std::string& body, const Part& part) {
  return body.substr(part.offset, part.length);
}

std::string refusal(const std::string& body, const std::string& type = kType) {
  try {
    http::read_multipart(body, type);
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::invalid);
    return error.what();
  }
  return "accepted";
}

const std::string kFile =
    "Content-Disposition: form-data; name=\"file\"; filename=\"a b.png\"\r\nContent-Type: "
    "image/png\r\n"
    "\r\n\x89PNG\r\n--Xy\r\n";

TEST(Multipart, FindsThePartsWhereTheyLie) {
  const auto body = body_of({kFile,
                             "content-disposition: form-data; name=prompt\r\n\r\n",
                             "Content-Disposition:form-data;name=\"x\"\r\n\r\n1\r\n2"});
  const auto parts = http::read_multipart(body, kType);
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].name, "file");
  EXPECT_EQ(parts[0].filename, "a b.png");
  EXPECT_EQ(parts[0].media_type, "image/png");
  EXPECT_EQ(content(body, parts[0]), "\x89PNG\r\n--Xy\r\n");
  EXPECT_EQ(parts[1].name, "prompt");
  EXPECT_EQ(content(body, parts[1]), "");
  EXPECT_EQ(content(body, parts[2]), "1\r\n2");
}

TEST(Multipart, ReadsAFileAsItReadsMemory) {
  const http::test::Folder folder;
  const auto body = body_of({kFile});
  base::write_file(folder / "body", body);
  const auto parts = http::read_multipart_file(folder / "body", kType);
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(content(body, parts[0]), "\x89PNG\r\n--Xy\r\n");
  EXPECT_THROW(http::read_multipart_file(folder / "none", kType), base::Error);
}

TEST(Multipart, UnderstandsBothWaysToWriteAQuote) {
  const auto name = [](const std::string& quoted) {
    const auto body =
        body_of({"Content-Disposition: form-data; name=f; filename=" + quoted + "\r\n\r\n"});
    return http::read_multipart(body, kType).at(0).filename;
  };
  EXPECT_EQ(name("\"a%22b\""), "a%22b");
  EXPECT_EQ(name("\"a\\\"b\\\\c\""), "a\"b\\c");
  EXPECT_EQ(name("\"C:\\dir\\f\""), "C:\\dir\\f");
  EXPECT_EQ(name("\"a;b=c\""), "a;b=c");
  EXPECT_EQ(name("\"\xc3\xa9\""), "\xc3\xa9");
}

TEST(Multipart, WantsItsContentTypeWithABoundary) {
  const auto body = body_of({kFile});
  EXPECT_EQ(refusal(body, "Multipart/Form-Data; charset=utf-8; BOUNDARY=\"XyZ\""), "accepted");
  for (const auto& type : {std::string(),
                           std::string("application/json"),
                           std::string("multipart/mixed; boundary=XyZ"),
                           std::string("multipart/form-data"),
                           std::string("multipart/form-data; boundary="),
                           std::string("multipart/form-data; boundary=\"XyZ"),
                           std::string("multipart/form-data; boundary=XyZ; boundary=XyZ"),
                           std::string("multipart/form-data; boundary=\"a\x01\""),
                           "multipart/form-data; boundary=" + std::string(71, 'a')}) {
    EXPECT_NE(refusal(body, type), "accepted") << type;
  }
}

TEST(Multipart, RefusesWhatDoesNotEndWell) {
  const auto whole = body_of({kFile});
  for (size_t length = 0; length + 2 < whole.size(); ++length) {
    EXPECT_NE(refusal(whole.substr(0, length)), "accepted") << length;
  }
  EXPECT_EQ(refusal(whole.substr(0, whole.size() - 2)), "accepted");
  EXPECT_NE(refusal(whole + "x"), "accepted");
  EXPECT_NE(refusal("x" + whole), "accepted");
}

TEST(Multipart, RefusesPartsThatNobodyCanAddress) {
  for (const auto* head :
       {"Content-Type: image/png",
        "Content-Disposition: form-data",
        "Content-Disposition: form-data; name=\"\"",
        "Content-Disposition: attachment; name=a",
        "Content-Disposition: form-data; name=a; name=b",
        "Content-Disposition: form-data; name=\"a\x01\"",
        "Content-Disposition: form-data; name=\"\xff\"",
        "Content-Disposition: form-data; name",
        "Content-Disposition: form-data name=a",
        "Content-Disposition form-data; name=a",
        "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64"}) {
    EXPECT_NE(refusal(body_of({base::text(head, "\r\n\r\nx")})), "accepted") << head;
  }
  const auto long_name =
      "Content-Disposition: form-data; name=" + std::string(256, 'a') + "\r\n\r\nx";
  EXPECT_NE(refusal(body_of({long_name})), "accepted");
}

TEST(Multipart, HasLimits) {
  const std::string part = "Content-Disposition: form-data; name=a\r\n\r\nx";
  EXPECT_EQ(refusal(body_of(std::vector(32, part))), "accepted");
  EXPECT_EQ(refusal(body_of(std::vector(33, part))), "multipart body: more than 32 parts");
  const auto long_head = "X: " + std::string(4096, 'x') + "\r\n" + part;
  EXPECT_EQ(refusal(body_of({long_head})),
            "multipart body: the header of a part does not end or is too long");
}

TEST(Multipart, RefusesABoundaryThatIsOnlyTheBeginningOfALine) {
  EXPECT_NE(refusal("--XyZa\r\n" + kFile + "\r\n--XyZ--"), "accepted");
  EXPECT_NE(refusal("--XyZ\r\n" + kFile + "\r\n--XyZa\r\n--XyZ--"), "accepted");
}

TEST(Multipart, EveryDamagedBodyIsReadOrRefusedAndItsPartsLieInside) {
  std::mt19937 random(3);
  const auto whole = body_of({kFile, "Content-Disposition: form-data; name=a\r\n\r\nx"});
  for (int i = 0; i < 50'000; ++i) {
    auto body = whole;
    for (auto times = random() % 4; times > 0; --times) {
      const auto place = random() % body.size();
      if (random() % 2 == 0) body[place] = static_cast<char>(random());
      if (random() % 2 == 0) body.erase(place, random() % 9);
      if (body.empty()) break;
    }
    try {
      for (const auto& part : http::read_multipart(body, kType)) {
        ASSERT_LE(part.offset + part.length, body.size());
      }
    } catch (const base::Error&) {
      continue;
    }
  }
}

}  // namespace
