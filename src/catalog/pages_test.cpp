// SPDX-License-Identifier: Apache-2.0
#include "catalog/pages.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace {

TEST(Pages, CommittedPageIsCurrent) {
  const auto committed =
      base::read_file(std::string(ZOETROPE_SOURCE_DIR) + "/docs/models.md", 1 << 20);
  EXPECT_TRUE(committed == catalog::models_page())
      << "docs/models.md is stale; renew it: zoetrope show endpoints --markdown > docs/models.md";
}

TEST(Pages, NameEveryEndpoint) {
  const auto page = catalog::models_page();
  const auto overview = catalog::overview();
  for (const auto& endpoint : catalog::endpoints()) {
    EXPECT_NE(page.find("| " + path_of(endpoint) + " |"), std::string::npos) << endpoint.id;
    EXPECT_NE(overview.find(path_of(endpoint)), std::string::npos) << endpoint.id;
  }
}

}  // namespace
