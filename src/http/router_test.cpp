// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include <gtest/gtest.h>

namespace {

using http::Router;
using Captured = std::map<std::string, std::string>;

Router<int> api() {
  Router<int> router;
  router.add("POST", "/api/v3/{model...}", 1);
  router.add("GET", "/api/v3/predictions/{id}/result", 2);
  router.add("GET", "/api/v3/predictions/{id}", 3);
  router.add("POST", "/api/v3/predictions", 4);
  router.add("GET", "/api/v3/balance", 5);
  router.add("POST", "/api/v3/predictions/delete", 6);
  router.add("GET", "/", 7);
  return router;
}

int target_of(const Router<int>::Found& found) {
  return found.target == nullptr ? 0 : *found.target;
}

TEST(Router, FindsTheRouteAndWhatItCaptures) {
  const auto router = api();
  const auto result = router.find("GET", "/api/v3/predictions/abc/result");
  EXPECT_EQ(target_of(result), 2);
  EXPECT_EQ(result.captured, (Captured{{"id", "abc"}}));
  EXPECT_EQ(result.pattern, "/api/v3/predictions/{id}/result");
  EXPECT_EQ(target_of(router.find("GET", "/")), 7);
}

TEST(Router, CapturesTheRestWithItsSlashes) {
  const auto found = api().find("POST", "/api/v3/wavespeed-ai/wan-2.2/t2v-480p");
  const auto router = api();
  EXPECT_EQ(target_of(router.find("POST", "/api/v3/wavespeed-ai/wan-2.2/t2v-480p")), 1);
  EXPECT_EQ(found.captured, (Captured{{"model", "wavespeed-ai/wan-2.2/t2v-480p"}}));
}

TEST(Router, PrefersTheLiteralToTheCaptureToTheRestInWhateverOrderTheyCame) {
  const auto router = api();
  EXPECT_EQ(target_of(router.find("POST", "/api/v3/predictions/delete")), 6);
  EXPECT_EQ(target_of(router.find("POST", "/api/v3/predictions")), 4);
  EXPECT_EQ(target_of(router.find("GET", "/api/v3/predictions/x")), 3);
}

TEST(Router, TellsAMissingMethodFromAMissingPath) {
  const auto router = api();
  const auto method = router.find("DELETE", "/api/v3/balance");
  EXPECT_EQ(method.target, nullptr);
  EXPECT_EQ(method.allow, "GET, HEAD");
  const auto path = router.find("GET", "/nowhere");
  EXPECT_EQ(path.target, nullptr);
  EXPECT_EQ(path.allow, "");
  // The rest of /api/v3 takes any POST, but /api/v3/balance is not a model.
  EXPECT_EQ(router.find("POST", "/api/v3/balance").target, nullptr);
}

TEST(Router, ServesHeadByTheRouteOfGet) {
  auto router = api();
  EXPECT_EQ(target_of(router.find("HEAD", "/api/v3/balance")), 5);
  router.add("HEAD", "/api/v3/balance", 8);
  EXPECT_EQ(target_of(router.find("HEAD", "/api/v3/balance")), 8);
  EXPECT_EQ(router.find("PUT", "/api/v3/balance").allow, "GET, HEAD");
}

TEST(Router, CapturesNeverNothing) {
  const auto router = api();
  for (const auto* path :
       {"/api/v3/", "/api/v3", "/api/v3/predictions//result", "/api/v3/balance/"}) {
    EXPECT_EQ(router.find("GET", path).target, nullptr) << path;
  }
  EXPECT_EQ(router.find("POST", "/api/v3/").target, nullptr);
}

TEST(Router, LooksAtTheEarlierSegmentFirst) {
  Router<int> router;
  router.add("GET", "/{a}/b", 1);
  router.add("GET", "/a/{b...}", 2);
  router.add("GET", "/a/{b}/c", 3);
  EXPECT_EQ(target_of(router.find("GET", "/a/b")), 2);
  EXPECT_EQ(target_of(router.find("GET", "/x/b")), 1);
  EXPECT_EQ(target_of(router.find("GET", "/a/x/c")), 3);
  EXPECT_EQ(target_of(router.find("GET", "/a/x/y")), 2);
}

TEST(Router, RefusesRoutesThatCouldNotBeFound) {
  auto router = api();
  EXPECT_THROW(router.add("GET", "/api/v3/balance", 9), std::logic_error);
  EXPECT_THROW(router.add("PUT", "/api/v3/predictions/{name}", 9), std::logic_error);
  EXPECT_THROW(router.add("GET", "/{rest...}/a", 9), std::logic_error);
  EXPECT_THROW(router.add("GET", "a", 9), std::logic_error);
}

}  // namespace
