// SPDX-License-Identifier: Apache-2.0
// For tests, of the rooms above too: URLs that must lead nowhere, and a listener that notices when
// one does.
#pragma once

#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "http/egress.h"

namespace http::test {

// Listens on one port of 127.0.0.1 and, where there is IPv6, of ::1, and counts who connects.
class Canary {
 public:
  Canary() {
    v4_ = open(AF_INET);
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ::getsockname(v4_, reinterpret_cast<sockaddr*>(&bound), &size);
    port_ = ntohs(bound.sin_port);
    v6_ = open(AF_INET6);
  }
  Canary(const Canary&) = delete;
  Canary& operator=(const Canary&) = delete;
  ~Canary() {
    ::close(v4_);
    ::close(v6_);
  }

  uint16_t port() const { return port_; }

  int connections() const {
    int count = 0;
    for (const int listener : {v4_, v6_}) {
      for (int other; (other = ::accept(listener, nullptr, nullptr)) >= 0; ++count) ::close(other);
    }
    return count;
  }

 private:
  int open(int family) const {
    const int listener = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
    v6.sin6_port = htons(port_);
    const auto* address = family == AF_INET ? reinterpret_cast<const sockaddr*>(&v4)
                                            : reinterpret_cast<const sockaddr*>(&v6);
    const auto size = static_cast<socklen_t>(family == AF_INET ? sizeof v4 : sizeof v6);
    if (::bind(listener, address, size) == 0) ::listen(listener, 64);  // IPv6 may be missing
    return listener;
  }

  int v4_ = -1;
  int v6_ = -1;
  uint16_t port_ = 0;
};

// Everything is allowed but the address itself.
inline EgressPolicy policy_for(uint16_t port) {
  EgressPolicy policy;
  policy.ports = {80, 443, port};
  return policy;
}

// "HOST" and ":PORT" are filled in. `@` forms, other notations of 127.0.0.1 and ::1, names that
// mean them, addresses that carry them, and all the private ranges.
inline const std::vector<std::string> kForbidden = {
    // loopback, in every notation that inet_aton() knows
    "http://127.0.0.1:PORT/",
    "http://127.0.0.1.:PORT/",
    "http://127.1:PORT/",
    "http://127.0.1:PORT/",
    "http://127.255.255.254:PORT/",
    "http://0x7f.1:PORT/",
    "http://0x7f000001:PORT/",
    "http://0X7F.0.0.1:PORT/",
    "http://2130706433:PORT/",
    "http://017700000001:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://0177.0.0.01:PORT/",
    "http://0x7f.0x0.0x0.0x1:PORT/",
    "http://0:PORT/",
    "http://0.0.0.0:PORT/",
    "http://0x0:PORT/",
    "http://00000000:PORT/",
    "http://4294967295:PORT/",
    "http://127.0.0.1%2f:PORT/",
    "http://%31%32%37.0.0.1:PORT/",
    // and in IPv6
    "http://[::1]:PORT/",
    "http://[::]:PORT/",
    "http://[0:0:0:0:0:0:0:1]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::ffff:7f00:1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/",
    "http://[64:ff9b::127.0.0.1]:PORT/",
    "http://[64:ff9b:1::7f00:1]:PORT/",
    "http://[2002:7f00:1::1]:PORT/",
    "http://[2001:0:7f00:1::1]:PORT/",
    "http://[fe80::1]:PORT/",
    "http://[fe80::1%25lo]:PORT/",
    "http://[fd00::1]:PORT/",
    "http://[fc00::1]:PORT/",
    "http://[ff02::1]:PORT/",
    // names
    "http://localhost:PORT/",
    "http://LOCALHOST:PORT/",
    "http://localhost.:PORT/",
    "http://a.localhost:PORT/",
    "http://ip6-localhost:PORT/",
    "http://loopback.test:PORT/",
    "http://six.test:PORT/",
    "http://metadata.test:PORT/",
    // users, and what looks like one
    "http://user@127.0.0.1:PORT/",
    "http://user:pass@127.0.0.1:PORT/",
    "http://example.com@127.0.0.1:PORT/",
    "http://a@b@127.0.0.1:PORT/",
    "http://example.com:80@127.0.0.1:PORT/",
    "http://@127.0.0.1:PORT/",
    "http://example.com\\@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT\\@example.com/",
    "http://127.0.0.1:PORT#@example.com/",
    "http://127.0.0.1:PORT?@example.com/",
    "http://example.com%00@127.0.0.1:PORT/",
    "http://127.0.0.1:PORT%23@example.com/",
    // white space and bytes that no URL has
    " http://127.0.0.1:PORT/",
    "http://127.0.0.1:PORT/ x",
    "http://\t127.0.0.1:PORT/",
    "http://127.0.0.1\r\n:PORT/",
    "http:// 127.0.0.1:PORT/",
    // slashes and schemes
    "http:/127.0.0.1:PORT/",
    "http:127.0.0.1:PORT/",
    "http:///127.0.0.1:PORT/",
    "//127.0.0.1:PORT/",
    "127.0.0.1:PORT/",
    "https://127.0.0.1:PORT/",
    "ftp://127.0.0.1:PORT/",
    "gopher://127.0.0.1:PORT/_x",
    "dict://127.0.0.1:PORT/x",
    "telnet://127.0.0.1:PORT/",
    "ldap://127.0.0.1:PORT/",
    "smb://127.0.0.1:PORT/a",
    "tftp://127.0.0.1:PORT/a",
    "ws://127.0.0.1:PORT/",
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "unix:///tmp/s",
    "data:text/plain,x",
    "javascript:1",
    "jar:http://127.0.0.1:PORT/!/",
    "",
    // the rest of what is not the Internet
    "http://10.0.0.1:PORT/",
    "http://172.16.0.1:PORT/",
    "http://192.168.1.1:PORT/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://203.0.113.1/",
    "http://[2001:db8::1]/",
    // ports
    "http://127.0.0.1:22/",
    "http://example.com:6379/",
    "http://example.com:0/",
    "http://example.com:65536/",
};

// Full stops, digits and letters of other scripts, which international names turn into ours.
inline const std::vector<std::string> kInternational = {
    "http://127。0。0。1:PORT/",
    "http://127．0．0．1:PORT/",
    "http://１２７.0.0.1:PORT/",
    "http://①②⑦.0.0.1:PORT/",
    "http://ⓛocalhost:PORT/",
};

inline std::string fill_in(std::string url, uint16_t port) {
  const auto at = url.find("PORT");
  if (at != std::string::npos) url.replace(at, 4, std::to_string(port));
  return url;
}

inline EgressPolicy policy_with_names(uint16_t port) {
  auto policy = policy_for(port);
  policy.resolve = {base::text("127.0.0.1.:", port, ":127.0.0.1"),
                    base::text("localhost.:", port, ":127.0.0.1"),
                    base::text("ip6-localhost:", port, ":[::1]"),
                    base::text("loopback.test:", port, ":127.0.0.1"),
                    base::text("six.test:", port, ":[::1]"),
                    base::text("metadata.test:", port, ":169.254.169.254,127.0.0.1,[::1]")};
  return policy;
}

}  // namespace http::test
