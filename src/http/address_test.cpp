// SPDX-License-Identifier: Apache-2.0
#include "http/address.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/error.h"

namespace {

using http::parse_address;
using http::parse_network;

bool is_global(const std::string& text) {
  const auto address = parse_address(text);
  EXPECT_TRUE(address) << text;
  return address && http::is_global(*address);
}

// The first and the last address of every range that is refused.
TEST(Address, OfASpecialRangeIsNotGlobal) {
  for (const auto* text :
       {"0.0.0.0",         "0.255.255.255",   "10.0.0.0",       "10.255.255.255",  "100.64.0.0",
        "100.127.255.255", "127.0.0.0",       "127.0.0.1",      "127.255.255.255", "169.254.0.0",
        "169.254.169.254", "169.254.255.255", "172.16.0.0",     "172.31.255.255",  "192.0.0.0",
        "192.0.0.255",     "192.0.2.0",       "192.0.2.255",    "192.88.99.1",     "192.168.0.0",
        "192.168.255.255", "198.18.0.0",      "198.19.255.255", "198.51.100.0",    "198.51.100.255",
        "203.0.113.0",     "203.0.113.255",   "224.0.0.0",      "239.255.255.255", "240.0.0.0",
        "255.255.255.255"}) {
    EXPECT_FALSE(is_global(text)) << text;
  }
  for (const auto* text : {"::",
                           "::1",
                           "::127.0.0.1",
                           "::ffff:127.0.0.1",
                           "::ffff:8.8.8.8",
                           "64:ff9b::7f00:1",
                           "64:ff9b::808:808",
                           "64:ff9b:1::1",
                           "100::1",
                           "2001::1",
                           "2001:0:7f00:1::",
                           "2001:10::1",
                           "2001:20::1",
                           "2001:db8::1",
                           "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                           "2002:7f00:1::",
                           "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                           "3fff::1",
                           "4000::1",
                           "5f00::1",
                           "fc00::1",
                           "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                           "fe80::1",
                           "fec0::1",
                           "ff02::1"}) {
    EXPECT_FALSE(is_global(text)) << text;
  }
}

// The neighbours of those ranges among them.
TEST(Address, OfTheInternetIsGlobal) {
  for (const auto* text :
       {"1.0.0.0",         "9.255.255.255", "11.0.0.0",        "100.63.255.255",  "100.128.0.0",
        "126.255.255.255", "128.0.0.0",     "169.253.255.255", "169.255.0.0",     "172.15.255.255",
        "172.32.0.0",      "192.0.1.0",     "192.0.3.0",       "192.88.98.255",   "192.88.100.0",
        "192.167.255.255", "192.169.0.0",   "198.17.255.255",  "198.20.0.0",      "198.51.99.255",
        "198.51.101.0",    "203.0.112.255", "203.0.114.0",     "223.255.255.255", "8.8.8.8",
        "2001:200::1",     "2001:db7::1",   "2001:db9::1",     "2003::1",         "2606:4700::1111",
        "2a00:1450::1",    "3ffe::1",       "3fff:1000::1"}) {
    EXPECT_TRUE(is_global(text)) << text;
  }
}

TEST(Address, HasOneForm) {
  for (const auto* text : {"",
                           "localhost",
                           "127.1",
                           "0x7f.0.0.1",
                           "2130706433",
                           "1.2.3.4.5",
                           "1.2.3.256",
                           "::g",
                           "[::1]",
                           "::1%lo"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
  EXPECT_EQ(http::to_text(*parse_address("10.1.2.3")), "10.1.2.3");
  EXPECT_EQ(http::to_text(*parse_address("2001:DB8:0::1")), "2001:db8::1");
  EXPECT_EQ(http::to_text(http::unmapped(*parse_address("::ffff:10.1.2.3"))), "10.1.2.3");
  EXPECT_EQ(http::to_text(http::unmapped(*parse_address("::1"))), "::1");
}

TEST(Network, HoldsWhatSharesItsPrefix) {
  const auto holds = [](const std::string& network, const std::string& address) {
    return parse_network(network).contains(*parse_address(address));
  };
  EXPECT_TRUE(holds("10.1.0.0/16", "10.1.255.255"));
  EXPECT_FALSE(holds("10.1.0.0/16", "10.2.0.0"));
  EXPECT_TRUE(holds("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(holds("10.1.2.3", "10.1.2.2"));
  EXPECT_TRUE(holds("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
  EXPECT_FALSE(holds("::/0", "8.8.8.8"));
  EXPECT_TRUE(holds("fd00::/9", "fd7f::1"));
  EXPECT_FALSE(holds("fd00::/9", "fd80::1"));
}

TEST(Network, IsAnAddressAndBits) {
  for (const auto* text : {"",
                           "a",
                           "10.0.0.0/",
                           "10.0.0.0/33",
                           "10.0.0.0/-1",
                           "10.0.0.0/8x",
                           "::/129",
                           "10.0.0/8",
                           "/8"}) {
    EXPECT_THROW(parse_network(text), base::Error) << text;
  }
}

TEST(Address, OfThisMachineAreKnown) {
  const auto own = http::own_addresses();
  EXPECT_NE(std::ranges::find(own, *parse_address("127.0.0.1")), own.end());
}

}  // namespace
