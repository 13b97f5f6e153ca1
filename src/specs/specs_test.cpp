// SPDX-License-Identifier: Apache-2.0
#include "specs/specs.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace {

TEST(Specs, EveryModelIsFoundByItsName) {
  std::set<std::string_view> names;
  for (const auto& model : specs::models()) {
    EXPECT_EQ(specs::find_model(model.name), &model);
    names.insert(model.name);
  }
  EXPECT_EQ(names.size(), specs::models().size());
  EXPECT_EQ(specs::find_model("wan9.9"), nullptr);
}

TEST(Specs, ReleasedModelsHaveHeadsOf128AndTheDemoFamilyOf32) {
  for (const auto& model : specs::models()) {
    EXPECT_EQ(model.dit.head_dim(), model.is_demo() ? 32 : 128) << model.name;
  }
}

TEST(Specs, EveryReleasedModelHasARepositoryOfItsOwn) {
  std::set<std::string_view> repositories;
  size_t released = 0;
  for (const auto& model : specs::models()) {
    EXPECT_EQ(model.has_native_size(), model.is_demo()) << model.name;
    repositories.insert(model.repository);
    if (!model.is_demo()) ++released;
  }
  repositories.erase("");
  EXPECT_EQ(repositories.size(), released);
}

TEST(Specs, LatentStatisticsHaveOneEntryPerChannel) {
  for (const auto& model : specs::models()) {
    const size_t channels = model.vae.z_dim;
    EXPECT_EQ(specs::latents_mean(model.vae.kind).size(), channels) << model.name;
    EXPECT_EQ(specs::latents_std(model.vae.kind).size(), channels) << model.name;
    EXPECT_TRUE(
        std::ranges::all_of(specs::latents_std(model.vae.kind), [](float s) { return s > 0; }));
  }
}

TEST(Specs, OnlyThePairsHaveABoundary) {
  EXPECT_EQ(specs::find_model("wan2.2-t2v-a14b")->boundary, 0.875);
  EXPECT_EQ(specs::find_model("wan2.1-t2v-14b")->boundary, 0);
}

TEST(Specs, DefaultNegativePromptHas28Items) {
  const auto prompt = specs::default_negative_prompt();
  const auto is_start = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  EXPECT_EQ(std::ranges::count_if(prompt, is_start), 137);
  size_t separators = 0;
  for (size_t at = prompt.find("，"); at != prompt.npos; at = prompt.find("，", at + 1))
    ++separators;
  EXPECT_EQ(separators, 27u);
}

}  // namespace
