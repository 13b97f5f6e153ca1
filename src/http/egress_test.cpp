// SPDX-License-Identifier: Apache-2.0
// The wall, tried from inside: whatever the URL, nothing reaches a listener of this machine.
#include "http/egress.h"

#include <clocale>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"
#include "http/client.h"
#include "http/test_server.h"

namespace {

using namespace http;
using namespace http::test;

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
EgressPolicy policy_for(uint16_t port) {
  EgressPolicy policy;
  policy.ports = {80, 443, port};
  return policy;
}

// How a GET ends: the code at the beginning of the message, or "reached".
std::string outcome_of(Client& client, const std::string& url, int redirects = 3) {
  Call call;
  call.url = url;
  call.redirects = redirects;
  call.connect_time = call.total_time = std::chrono::seconds(2);
  try {
    return base::text("reached: ", client.send(call).status);
  } catch (const base::Error& error) {
    const std::string message = error.what();
    return message.substr(0, message.find(':'));
  }
}

// "HOST" and ":PORT" are filled in. `@` forms, other notations of 127.0.0.1 and ::1, names that
// mean them, addresses that carry them, and all the private ranges.
const std::vector<std::string> kForbidden = {
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
const std::vector<std::string> kInternational = {
    "http://127。0。0。1:PORT/",
    "http://127．0．0．1:PORT/",
    "http://１２７.0.0.1:PORT/",
    "http://①②⑦.0.0.1:PORT/",
    "http://ⓛocalhost:PORT/",
};

std::string fill_in(std::string url, uint16_t port) {
  const auto at = url.find("PORT");
  if (at != std::string::npos) url.replace(at, 4, std::to_string(port));
  return url;
}

EgressPolicy policy_with_names(uint16_t port) {
  auto policy = policy_for(port);
  policy.resolve = {base::text("127.0.0.1.:", port, ":127.0.0.1"),
                    base::text("localhost.:", port, ":127.0.0.1"),
                    base::text("ip6-localhost:", port, ":[::1]"),
                    base::text("loopback.test:", port, ":127.0.0.1"),
                    base::text("six.test:", port, ":[::1]"),
                    base::text("metadata.test:", port, ":169.254.169.254,127.0.0.1,[::1]")};
  return policy;
}

TEST(Egress, ReachesNothingOfThisMachineHoweverItIsAskedTo) {
  const Canary canary;
  Client client({.wall = policy_with_names(canary.port())});
  EXPECT_GE(kForbidden.size(), 60u);
  for (const auto& url : kForbidden) {
    EXPECT_EQ(outcome_of(client, fill_in(url, canary.port())), "fetch_refused") << url;
    EXPECT_EQ(canary.connections(), 0) << url;
  }
}

TEST(Egress, ReachesNothingOfThisMachineByInternationalNames) {
  const Canary canary;
  Client client({.wall = policy_for(canary.port())});
  // libcurl reads such names in the locale's encoding, and not at all in that of C.
  for (const auto& [locale, outcome] :
       {std::pair("C", "fetch_failed"), std::pair("C.UTF-8", "fetch_refused")}) {
    ASSERT_NE(std::setlocale(LC_ALL, locale), nullptr);
    for (const auto& url : kInternational) {
      EXPECT_EQ(outcome_of(client, fill_in(url, canary.port())), outcome) << url << ' ' << locale;
      EXPECT_EQ(canary.connections(), 0) << url << ' ' << locale;
    }
  }
  std::setlocale(LC_ALL, "C");
}

// Without this the tests above could not fail.
TEST(Egress, TheSameUrlsReachTheListenerWhereTheNetworkIsAllowed) {
  const Canary canary;
  auto policy = policy_with_names(canary.port());
  policy.networks = {"127.0.0.0/8"};
  Client client({.wall = policy});
  for (const auto* url : {"http://127.0.0.1:PORT/",
                          "http://0x7f.1:PORT/",
                          "http://2130706433:PORT/",
                          "http://loopback.test:PORT/"}) {
    Call call;
    call.url = fill_in(url, canary.port());
    call.total_time = std::chrono::milliseconds(100);
    EXPECT_THROW(client.send(call), base::Error);
    EXPECT_GE(canary.connections(), 1) << url;
  }
}

// A server on 127.0.0.2, which is allowed, sends on to the place named in its query.
class Redirecting : public testing::Test {
 protected:
  Redirecting() {
    auto service = echo_service();
    service.handle = [](Request& request) -> boost::asio::awaitable<Response> {
      auto response = text_response(302, "");
      if (const auto* to = find(request.query, "to")) {
        response.headers.push_back({"location", *to});
      } else {
        response.status = 200;
      }
      co_return response;
    };
    running_ = std::make_unique<Running>(service, quick_options(), "127.0.0.2:0");
    auto policy = policy_with_names(canary_.port());
    policy.ports.push_back(running_->port());
    policy.networks = {"127.0.0.2"};
    client_ = std::make_unique<Client>(ClientOptions{.wall = policy});
  }

  std::string url(const std::string& query) const {
    return base::text("http://127.0.0.2:", running_->port(), "/", query);
  }

  static std::string encoded(const std::string& text) {
    std::string all;
    for (const unsigned char c : text) {
      all += base::text('%', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]);
    }
    return all;
  }

  Canary canary_;
  std::unique_ptr<Running> running_;
  std::unique_ptr<Client> client_;
};

TEST_F(Redirecting, NeverLeadsThroughTheWall) {
  ASSERT_EQ(outcome_of(*client_, url("?to=/end")), "reached: 200");
  for (const auto& forbidden : kForbidden) {
    // These begin no URL of their own, so they lead back to where they come from; a Location field
    // cannot hold the others.
    const bool is_relative =
        forbidden.find("://") == std::string::npos && !forbidden.starts_with("//");
    const bool has_control = forbidden.find_first_of("\r\n\t") != std::string::npos;
    if (is_relative || has_control) continue;
    const auto target = fill_in(forbidden, canary_.port());
    const auto outcome = outcome_of(*client_, url("?to=" + encoded(target)));
    EXPECT_TRUE(outcome == "fetch_refused" || outcome == "fetch_failed")
        << forbidden << ' ' << outcome;
    EXPECT_EQ(canary_.connections(), 0) << forbidden;
  }
}

TEST_F(Redirecting, IsFollowedThreeTimesAndNotAtAllWhereNobodyAskedForIt) {
  const auto chain = [&](int length) {
    std::string query;
    for (int i = 0; i < length; ++i) query = base::text("?to=", encoded(base::text('/', query)));
    return url(query);
  };
  EXPECT_EQ(outcome_of(*client_, chain(3)), "reached: 200");
  EXPECT_EQ(outcome_of(*client_, chain(4)), "fetch_failed");
  EXPECT_EQ(outcome_of(*client_, chain(1), 0), "reached: 302");
}

TEST(Egress, LooksAtEveryAddressOfANameAndAtEveryAnswerAnew) {
  const Canary canary;
  Running running(echo_service(), quick_options(), "127.0.0.2:0");
  auto policy = policy_for(canary.port());
  policy.ports.push_back(running.port());
  policy.networks = {"127.0.0.2"};
  // The name's first answer is fine, its second is not: two clients, as their caches differ.
  policy.resolve = {base::text("flips.test:", running.port(), ":127.0.0.2")};
  Client before({.wall = policy});
  EXPECT_EQ(outcome_of(before, base::text("http://flips.test:", running.port(), "/")),
            "reached: 200");
  policy.resolve = {base::text("flips.test:", canary.port(), ":127.0.0.1")};
  Client after({.wall = policy});
  EXPECT_EQ(outcome_of(after, base::text("http://flips.test:", canary.port(), "/")),
            "fetch_refused");
  EXPECT_EQ(canary.connections(), 0);

  // A forbidden address among allowed ones is passed over.
  policy.resolve = {base::text("both.test:", running.port(), ":127.0.0.1,127.0.0.2")};
  Client both({.wall = policy});
  EXPECT_EQ(outcome_of(both, base::text("http://both.test:", running.port(), "/")), "reached: 200");
}

TEST(Egress, AsksNoProxyOfTheEnvironment) {
  const Canary canary;
  const auto proxy = base::text("http://127.0.0.1:", canary.port());
  for (const auto* name : {"http_proxy", "https_proxy", "all_proxy"})
    ::setenv(name, proxy.c_str(), 1);
  Client client({.wall = policy_for(canary.port())});
  EXPECT_EQ(outcome_of(client, "http://192.0.2.1/"), "fetch_refused");
  for (const auto* name : {"http_proxy", "https_proxy", "all_proxy"}) ::unsetenv(name);
  EXPECT_EQ(canary.connections(), 0);
}

TEST(Egress, TellsTheUserNothingOfTheNetwork) {
  const Canary canary;
  auto policy = policy_for(canary.port());
  policy.networks = {"127.0.0.3"};  // where nobody listens
  Client client({.wall = policy});
  for (const auto* url : {"http://10.1.2.3/", "http://localhost:PORT/", "http://127.0.0.3:PORT/"}) {
    Call call;
    call.url = fill_in(url, canary.port());
    try {
      client.send(call);
      FAIL() << url;
    } catch (const base::Error& error) {
      const std::string message = error.what();
      EXPECT_TRUE(message == "fetch_refused: the URL is not allowed" ||
                  message == "fetch_failed: the URL cannot be fetched")
          << message;
      EXPECT_NE(error.detail(), "");
    }
  }
}

TEST(Egress, KnowsSchemesPortsAndHosts) {
  const auto allows = [](const EgressPolicy& policy, const Location& location) {
    return Egress(policy).complaint_about(location).empty();
  };
  EXPECT_TRUE(allows({}, {"http", "a", 80}));
  EXPECT_TRUE(allows({}, {"https", "a", 443}));
  EXPECT_FALSE(allows({}, {"https", "a", 8443}));
  EXPECT_FALSE(allows({}, {"ftp", "a", 80}));
  EXPECT_FALSE(allows({.https_only = true}, {"http", "a", 80}));
  EXPECT_TRUE(allows({.https_only = true}, {"https", "a", 443}));
  const EgressPolicy closed{.hosts = {"Files.Example"}};
  EXPECT_TRUE(allows(closed, {"https", "files.example.", 443}));
  EXPECT_FALSE(allows(closed, {"https", "files.example.com", 443}));
  EXPECT_FALSE(allows(closed, {"https", "x.files.example", 443}));
  EXPECT_THROW(Egress({.networks = {"10.0.0.0/99"}}), base::Error);
}

}  // namespace
