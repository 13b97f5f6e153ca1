// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/random.h"

namespace {

// FIPS 180-2, appendix B.1.
TEST(Digest, OfAbcIsThePublishedOne) {
  const auto* published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(crypto::sha256_hex("abc"), published);
  crypto::Sha256 in_pieces;
  in_pieces.add("a");
  in_pieces.add("");
  in_pieces.add("bc");
  EXPECT_EQ(in_pieces.finish(), published);
}

// RFC 4231, test case 2.
TEST(Digest, KeyedOneIsThePublishedOne) {
  EXPECT_EQ(crypto::hmac_sha256_hex("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

// What `git hash-object` prints.
TEST(Digest, NamesContentsAsGitDoes) {
  EXPECT_EQ(crypto::git_blob_id("hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");
  EXPECT_EQ(crypto::git_blob_id(""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

// RFC 4648 §10.
TEST(Encoding, Base64IsThePublishedOne) {
  const std::pair<const char*, const char*> published[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : published) {
    EXPECT_EQ(crypto::to_base64(bytes), text);
    EXPECT_EQ(crypto::from_base64(text), bytes);
  }
}

TEST(Encoding, Base64ThatIsNotExactIsRefused) {
  for (const auto* text :
       {"Z", "Zg", "Zg=", "Zg==\n", "Z g=", "Zh==", "Zm9v====", "====", "Zm9-"}) {
    EXPECT_FALSE(crypto::from_base64(text)) << text;
  }
}

TEST(Encoding, HexHasTwoDigitsPerByte) {
  EXPECT_EQ(crypto::to_hex(std::string("\x00\xff\x10", 3)), "00ff10");
}

TEST(Random, NamesHaveTheAskedLengthAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto name = crypto::random_base62(43);
    EXPECT_EQ(name.size(), 43u);
    EXPECT_EQ(
        name.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
        std::string::npos);
    seen.insert(name);
  }
  EXPECT_EQ(seen.size(), 100u);
  EXPECT_EQ(crypto::random_hex(16).size(), 32u);
}

TEST(Secrets, AreEqualOnlyWhenWhollyEqual) {
  EXPECT_TRUE(crypto::equal_secrets("secret", "secret"));
  EXPECT_FALSE(crypto::equal_secrets("secret", "secreT"));
  EXPECT_FALSE(crypto::equal_secrets("secret", "secret2"));
}

}  // namespace
