// SPDX-License-Identifier: Apache-2.0
#include "http/address.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/text.h"

namespace http {
namespace {

constexpr size_t kMappedBytes = 12;  // ::ffff:0:0/96

Address from_v4(const in_addr& v4) {
  Address address{.is_v4 = true};
  address.bytes[10] = address.bytes[11] = 0xff;
  std::memcpy(&address.bytes[kMappedBytes], &v4, sizeof v4);
  return address;
}

Address from_v6(const in6_addr& v6) {
  Address address;
  std::memcpy(address.bytes.data(), &v6, sizeof v6);
  return address;
}

std::vector<Network> networks(std::initializer_list<const char*> texts) {
  std::vector<Network> parsed;
  for (const auto* text : texts) parsed.push_back(parse_network(text));
  return parsed;
}

bool is_in(const Address& address, const std::vector<Network>& list) {
  return std::ranges::any_of(list, [&](const Network& row) { return row.contains(address); });
}

// IANA IPv4 Special-Purpose Address Registry, and what is not unicast.
const std::vector<Network>& special_v4() {
  static const auto table = networks({
      "0.0.0.0/8",        // this network
      "10.0.0.0/8",       // private
      "100.64.0.0/10",    // shared with the provider
      "127.0.0.0/8",      // loopback
      "169.254.0.0/16",   // link-local, cloud metadata
      "172.16.0.0/12",    // private
      "192.0.0.0/24",     // protocol assignments
      "192.0.2.0/24",     // documentation
      "192.88.99.0/24",   // 6to4 relays
      "192.168.0.0/16",   // private
      "198.18.0.0/15",    // benchmarks
      "198.51.100.0/24",  // documentation
      "203.0.113.0/24",   // documentation
      "224.0.0.0/3",      // multicast, reserved, broadcast
  });
  return table;
}

// IANA IPv6: 2000::/3 alone is global unicast, less these. What lies outside of it (loopback,
// mapped, NAT64, unique local, link-local, multicast) needs no row.
const std::vector<Network>& special_v6() {
  static const auto table = networks({
      "2001::/23",      // protocol assignments, among them Teredo and ORCHID
      "2001:db8::/32",  // documentation
      "2002::/16",      // 6to4
      "3fff::/20",      // documentation
  });
  return table;
}

}  // namespace

std::optional<Address> parse_address(const std::string& text) {
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return from_v4(v4);
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) == 1) return from_v6(v6);
  return std::nullopt;
}

std::optional<Address> address_of(const sockaddr* socket_address) {
  if (socket_address->sa_family == AF_INET) {
    return from_v4(reinterpret_cast<const sockaddr_in*>(socket_address)->sin_addr);
  }
  if (socket_address->sa_family == AF_INET6) {
    return from_v6(reinterpret_cast<const sockaddr_in6*>(socket_address)->sin6_addr);
  }
  return std::nullopt;
}

Address unmapped(Address address) {
  const auto prefix = from_v4({});
  if (std::equal(
          prefix.bytes.begin(), prefix.bytes.begin() + kMappedBytes, address.bytes.begin())) {
    address.is_v4 = true;
  }
  return address;
}

std::string to_text(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const auto* bytes = address.bytes.data() + (address.is_v4 ? kMappedBytes : 0);
  ::inet_ntop(address.is_v4 ? AF_INET : AF_INET6, bytes, buffer.data(), buffer.size());
  return buffer.data();
}

bool Network::contains(const Address& other) const {
  if (other.is_v4 != address.is_v4) return false;
  const auto first = address.is_v4 ? kMappedBytes * 8 : 0;
  for (size_t bit = first; bit < first + static_cast<size_t>(bits); ++bit) {
    const int mask = 0x80 >> (bit % 8);
    if ((address.bytes[bit / 8] & mask) != (other.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

Network parse_network(const std::string& text) {
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  const int most = address && address->is_v4 ? 32 : 128;
  int bits = most;
  bool is_number = true;
  if (slash != std::string::npos) {
    const auto* end = text.data() + text.size();
    const auto result = std::from_chars(text.data() + slash + 1, end, bits);
    is_number = result.ec == std::errc() && result.ptr == end;
  }
  if (!address || !is_number || bits < 0 || bits > most) {
    throw base::Error(base::Fault::invalid,
                      base::text('"', text, "\" is no network such as 10.0.0.0/8 or fd00::/8"));
  }
  return {*address, bits};
}

bool is_global(const Address& address) {
  if (address.is_v4) return !is_in(address, special_v4());
  static const auto global_unicast = parse_network("2000::/3");
  return global_unicast.contains(address) && !is_in(address, special_v6());
}

std::vector<Address> own_addresses() {
  std::vector<Address> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) {
    throw base::Error(base::Fault::internal, "internal error", "getifaddrs() failed");
  }
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, ::freeifaddrs);
  for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (const auto address = address_of(entry->ifa_addr)) found.push_back(*address);
  }
  return found;
}

}  // namespace http
