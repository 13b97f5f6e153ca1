// SPDX-License-Identifier: Apache-2.0
#include "objects/signer.h"

#include "objects/test_folder.h"

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using objects::Disposition;
using objects::error_of;
using objects::Signer;

constexpr const char* kPath = "/files/out/3f09/1/video.mp4";

struct Signing {
  objects::TestFolder folder;
  fs::path keys = folder.path() / "keys.json";
  int64_t now = 1'770'000'000'000;
  base::Clock clock{.wall = [this] { return now; }, .steady = {}};

  Signer signer() const { return {keys, clock}; }
};

struct Link {
  std::string path, query;
};

Link split(const std::string& link) {
  const auto mark = link.find('?');
  return {link.substr(0, mark), link.substr(mark + 1)};
}

Disposition open(const Signer& signer, const std::string& link) {
  const auto [path, query] = split(link);
  return signer.verify_get(path, query);
}

std::string reason(const Signer& signer, const std::string& link) {
  const auto error = error_of([&] { open(signer, link); });
  EXPECT_EQ(error.fault(), base::Fault::unauthorized);
  return error.what();
}

TEST(SignedLink, OpensWhatItWasSignedFor) {
  Signing one;
  const auto signer = one.signer();
  EXPECT_EQ(open(signer, signer.sign_get(kPath, 1h, Disposition::shown)), Disposition::shown);
  EXPECT_EQ(open(signer, signer.sign_get(kPath, 1h, Disposition::saved)), Disposition::saved);
}

TEST(SignedLink, IsRefusedWithAnyByteChanged) {
  Signing one;
  const auto signer = one.signer();
  const auto link = signer.sign_get(kPath, 1h, Disposition::shown);
  for (size_t i = 0; i < link.size(); ++i) {
    for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128}) {
      auto changed = link;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      EXPECT_THROW(open(signer, changed), base::Error) << changed;
    }
  }
}

TEST(SignedLink, IsRefusedCutShortOrProlonged) {
  Signing one;
  const auto signer = one.signer();
  const auto link = signer.sign_get(kPath, 1h, Disposition::shown);
  for (size_t length = 0; length < link.size(); ++length) {
    EXPECT_THROW(open(signer, link.substr(0, length)), base::Error) << length;
  }
  for (const auto* more : {"0", "&", "&a=b", "&signature=", "&expires=9999999999"}) {
    EXPECT_THROW(open(signer, link + more), base::Error) << more;
  }
  EXPECT_THROW(open(signer, std::string(kPath) + "?a=b&" + split(link).query), base::Error);
}

TEST(SignedLink, SaysWhyItIsRefused) {
  Signing one;
  const auto signer = one.signer();
  const auto link = signer.sign_get(kPath, 1h, Disposition::shown);
  EXPECT_EQ(reason(signer, kPath), "this link is not signed");
  EXPECT_EQ(reason(signer, "/files/other?" + split(link).query),
            "this link was changed after it was signed");
  one.now += 3'600'000;
  EXPECT_EQ(reason(signer, link), "this link expired at 2026-02-02T03:40:00.000Z");
}

TEST(SignedLink, OpensUntilItExpires) {
  Signing one;
  const auto signer = one.signer();
  const auto link = signer.sign_get(kPath, 60s, Disposition::shown);
  one.now += 59'999;
  EXPECT_NO_THROW(open(signer, link));
  one.now += 1;
  EXPECT_THROW(open(signer, link), base::Error);
}

TEST(SignedLink, ToReadIsNoneToPut) {
  Signing one;
  const auto signer = one.signer();
  const auto get = split(signer.sign_get(kPath, 1h, Disposition::shown));
  const auto put = split(signer.sign_put(kPath, 1h, {}));
  EXPECT_THROW(signer.verify_put(get.path, get.query), base::Error);
  EXPECT_THROW(signer.verify_get(put.path, put.query), base::Error);
}

TEST(SignedLink, OfAPathThatWouldNotComeBackAsItIsIsOurOwnMistake) {
  Signing one;
  const auto signer = one.signer();
  for (const auto* path : {"", "a", "/a b", "/a%20b", "/a?b", "/a|b", "/é"}) {
    const auto error = error_of([&] { signer.sign_get(path, 1h, Disposition::shown); });
    EXPECT_EQ(error.fault(), base::Fault::internal) << path;
  }
}

TEST(UploadTicket, ComesBackAsItWasSigned) {
  Signing one;
  const auto signer = one.signer();
  const objects::UploadTicket ticket{
      .bytes = 300'000'000, .content_type = "image/png; a=\"b\"", .name = "é &=?%/+ 1.png"};
  const auto link = split(signer.sign_put("/upload/0a", 10min, ticket));
  const auto back = signer.verify_put(link.path, link.query);
  EXPECT_EQ(back.bytes, ticket.bytes);
  EXPECT_EQ(back.content_type, ticket.content_type);
  EXPECT_EQ(back.name, ticket.name);
}

TEST(SigningKeys, AreMadeOnceAndForTheOwnerAlone) {
  Signing one;
  const auto link = one.signer().sign_get(kPath, 1h, Disposition::shown);
  EXPECT_EQ(fs::status(one.keys).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_NO_THROW(open(one.signer(), link)) << "a second start must read the first one's keys";
  EXPECT_EQ(std::distance(fs::directory_iterator(one.folder.path()), {}), 1);
}

TEST(SigningKeys, StayValidForOneRotation) {
  Signing one;
  const auto link = one.signer().sign_get(kPath, 1h, Disposition::shown);
  objects::rotate_keys(one.keys);
  EXPECT_NO_THROW(open(one.signer(), link));
  const auto newer = one.signer().sign_get(kPath, 1h, Disposition::shown);
  EXPECT_NE(newer, link) << "the new key must sign";
  objects::rotate_keys(one.keys);
  EXPECT_NO_THROW(open(one.signer(), newer));
  EXPECT_EQ(reason(one.signer(), link), "this link was signed with a key that is no longer valid");
}

TEST(SigningKeys, ThatOthersCanReadAreRefused) {
  Signing one;
  one.signer();
  fs::permissions(one.keys, fs::perms::group_read, fs::perm_options::add);
  EXPECT_EQ(error_of([&] { one.signer(); }).fault(), base::Fault::invalid);
}

TEST(SigningKeys, ThatAreNoneAreRefused) {
  Signing one;
  for (const auto* content : {"",
                              "{}",
                              "[]",
                              R"({"keys":[]})",
                              R"({"keys":[{"id":"00000000","secret":""}]})",
                              R"({"keys":[{"id":1,"secret":2}]})",
                              R"({"keys":{"a":"b"}})"}) {
    std::ofstream(one.keys) << content;
    fs::permissions(one.keys, fs::perms::owner_read | fs::perms::owner_write);
    EXPECT_EQ(error_of([&] { one.signer(); }).fault(), base::Fault::invalid) << content;
  }
}

}  // namespace
