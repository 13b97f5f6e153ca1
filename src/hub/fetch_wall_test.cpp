// SPDX-License-Identifier: Apache-2.0
// The wall, tried through Fetcher: whatever the path, nothing reaches a listener of this machine.
#include <gtest/gtest.h>

#include "http/test_wall.h"
#include "hub/fetch.h"
#include "hub/test_hub.h"

namespace {

using namespace hub;
using namespace hub::test;
using weights::test::contains;
using weights::test::Folder;
using weights::test::refusal;

class FetchingBehindTheWall : public testing::Test {
 protected:
  FetchingBehindTheWall() {
    settings.cache = folder / "cache";
    settings.patience.retries = 0;
    settings.patience.sleep = [](std::chrono::milliseconds) {};
    settings.patience.total_time = std::chrono::seconds(2);
  }

  std::string failure(const std::string& path) {
    return refusal([&] { Fetcher(settings).fetch(path); });
  }

  Folder folder;
  FetchSettings settings;
};

TEST_F(FetchingBehindTheWall, LeadsNobodyThroughTheWall) {
  const http::test::Canary canary;
  settings.wall = http::test::policy_with_names(canary.port());
  Fetcher fetcher(settings);
  ASSERT_GE(http::test::kForbidden.size(), 60u);
  for (const auto& forbidden : http::test::kForbidden) {
    const auto url = http::test::fill_in(forbidden, canary.port());
    const auto message = refusal([&] { fetcher.fetch(url); });
    EXPECT_TRUE(message.starts_with("fetch_refused: ") || message.starts_with("lora_not_found: "))
        << url << ' ' << message;
    EXPECT_EQ(canary.connections(), 0) << url;
  }
}

TEST_F(FetchingBehindTheWall, FollowsNoRedirectThroughTheWall) {
  const http::test::Canary canary;
  std::string target;
  Origin origin(
      [&](const Asked&) {
        return Answer{.status = 302, .headers = {{"location", target}}};
      },
      "127.0.0.2");
  settings.wall = http::test::policy_with_names(canary.port());
  settings.wall->networks = {"127.0.0.2"};
  settings.wall->ports.push_back(origin.port());
  Fetcher fetcher(settings);
  for (const auto& forbidden : http::test::kForbidden) {
    target = http::test::fill_in(forbidden, canary.port());
    if (target.find("://") == std::string::npos ||
        target.find_first_of("\r\n\t") != std::string::npos) {
      continue;
    }
    const auto message = refusal([&] { fetcher.fetch(origin.url("/a")); });
    EXPECT_TRUE(message.starts_with("fetch_refused: ") || message.starts_with("fetch_failed: "))
        << target << ' ' << message;
    EXPECT_EQ(canary.connections(), 0) << target;
  }
  // A hub that is led astray is no better.
  settings.huggingface.endpoint = origin.site();
  target = base::text("http://127.0.0.1:", canary.port(), "/");
  EXPECT_TRUE(contains(failure("alice/style"), "fetch_refused: "));
  EXPECT_EQ(canary.connections(), 0);
}

TEST_F(FetchingBehindTheWall, AsksForHttpsUnlessToldOtherwise) {
  settings.wall = FetchSettings().wall;
  EXPECT_TRUE(contains(failure("http://example.com/a.safetensors"), "fetch_refused: "));
}

}  // namespace
