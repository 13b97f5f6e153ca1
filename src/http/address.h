// SPDX-License-Identifier: Apache-2.0
// IP addresses and networks: which of them belong to the open Internet.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct sockaddr;

namespace http {

// In IPv6 form; an IPv4 address as the IPv4-mapped one, so that both have one order of bits.
struct Address {
  std::array<uint8_t, 16> bytes{};
  bool is_v4 = false;
  bool operator==(const Address&) const = default;
};

// "192.0.2.1" or "2001:db8::1"; nothing for any other form and for names.
std::optional<Address> parse_address(const std::string& text);

// Nothing for families that are not IP. An IPv4-mapped address stays IPv6.
std::optional<Address> address_of(const sockaddr* socket_address);

// The IPv4 address in an IPv4-mapped one; any other as it is.
Address unmapped(Address address);

std::string to_text(const Address& address);

struct Network {
  Address address;
  int bits = 0;  // of the prefix
  bool contains(const Address& other) const;
};

// "10.0.0.0/8", "fd00::/8" or a single address. Throws Error(invalid).
Network parse_network(const std::string& text);

// Whether a request may go there for a user: global unicast by the registries of IANA, and neither
// a form of IPv6 that carries an IPv4 address nor a range for documentation.
bool is_global(const Address& address);

// The addresses of this machine's interfaces at this moment.
std::vector<Address> own_addresses();

}  // namespace http
