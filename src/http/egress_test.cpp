// SPDX-License-Identifier: Apache-2.0
// The wall, tried from inside: whatever the URL, nothing reaches a listener of this machine.
#include "http/egress.h"

#include <clocale>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"
#include "http/client.h"
#include "http/test_server.h"
#include "http/test_wall.h"

namespace {

using namespace http;
using namespace http::test;

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
