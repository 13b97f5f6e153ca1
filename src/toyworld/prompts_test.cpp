// SPDX-License-Identifier: Apache-2.0
#include "toyworld/prompts.h"

#include <filesystem>
#include <sstream>

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace {

using namespace toyworld;

TEST(Prompts, EveryPlainWordIsInTheReadmeOfTheDemoModels) {
  const auto readme = base::read_file(
      std::filesystem::path(ZOETROPE_SOURCE_DIR) / "weights/tiny/README.md", 1 << 20);
  // No table of the grammar has more rows than that of the motions.
  for (int i = 0; i < static_cast<int>(kMotions.size()); ++i) {
    const Concept concept_ = {.colour = i % 8,
                              .shape = static_cast<Shape>(i % kWorldShapes),
                              .background = i % 6,
                              .motion = static_cast<Motion>(i)};
    std::istringstream words(plain_prompt(concept_));
    for (std::string word; words >> word;) {
      EXPECT_NE(readme.find(word), std::string::npos) << word;
    }
  }
}

}  // namespace
