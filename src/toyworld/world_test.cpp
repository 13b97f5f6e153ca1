// SPDX-License-Identifier: Apache-2.0
// Scenes, pictures, prompts, and the checker on pictures whose content is known.
#include "toyworld/world.h"

#include <cmath>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "toyworld/batch.h"
#include "toyworld/checker.h"
#include "toyworld/prompts.h"
#include "toyworld/render.h"
#include "toyworld/score.h"

namespace {

using namespace toyworld;

Scene still_scene(Shape shape, double radius, double angle = 0) {
  Object object;
  object.shape = shape;
  object.x = 56;
  object.y = 32;
  object.radius = radius;
  object.angle = angle;
  object.rgb = kColours[0].rgb;
  return {.background = 0, .objects = {object}};
}

TEST(Random, DependsOnSeedStreamAndIndexOnly) {
  Random first(1, 2, 3), same(1, 2, 3), other(1, 2, 4), swapped(1, 3, 2);
  const uint64_t drawn = first.next();
  EXPECT_EQ(drawn, same.next());
  EXPECT_NE(drawn, other.next());
  EXPECT_NE(drawn, swapped.next());
}

TEST(World, HoldsOutAboutATwelfthOfTheCombinations) {
  int held_out = 0, possible = 0;
  std::array<int, kWorldShapes> shapes{};
  std::array<int, kMotions.size()> motions{};
  for (int c = 0; c < 8; ++c) {
    for (int s = 0; s < kWorldShapes; ++s) {
      for (int m = 0; m < 10; ++m) {
        const Concept drawn = {c, static_cast<Shape>(s), 0, static_cast<Motion>(m)};
        possible += is_possible(drawn);
        if (!is_possible(drawn) || !is_held_out(drawn)) continue;
        ++held_out;
        ++shapes[static_cast<size_t>(s)];
        ++motions[static_cast<size_t>(m)];
      }
    }
  }
  EXPECT_NEAR(held_out / double(possible), 1 / 12.0, 0.01);
  EXPECT_GE(*std::ranges::min_element(shapes), 5);
  EXPECT_GE(*std::ranges::min_element(motions), 3);
}

TEST(World, TrainingNeverDrawsWhatIsHeldOut) {
  for (const int frames : {1, 5}) {
    for (const auto& drawn : draw_captioned(1, frames, 150, frames).concepts) {
      EXPECT_FALSE(is_held_out(drawn));
      EXPECT_TRUE(is_possible(drawn));
    }
  }
  for (const auto& drawn : draw_sentences(1, 0, 500).concepts) EXPECT_FALSE(is_held_out(drawn));
  for (const auto& drawn : concepts_to_score(1, 100, Split::held_out)) {
    EXPECT_TRUE(is_held_out(drawn));
  }
}

TEST(World, TrainingSeesOrbitsMostOften) {
  std::map<Motion, int> seen;
  for (const auto& drawn : draw_captioned(1, 0, 800, 1).concepts) ++seen[drawn.motion];
  EXPECT_EQ(seen.size(), kMotions.size());
  for (const auto& [motion, count] : seen) {
    if (motion == Motion::orbit) continue;
    EXPECT_GT(seen[Motion::orbit], count) << kMotions[static_cast<size_t>(motion)];
  }
  EXPECT_GT(seen[Motion::orbit], 2 * seen[Motion::still]);
}

TEST(World, ObjectsThatStayStandInTheMiddleOfATokensColumn) {
  std::set<double> seen;
  for (uint64_t i = 0; i < 30; ++i) {
    Random random(1, 0, i);
    const auto scene = make_scene({0, Shape::star, 0, Motion::still}, 33, random);
    seen.insert(scene.objects.front().x);
  }
  EXPECT_EQ(seen, (std::set<double>{40, 56, 72}));
  for (const double x : seen) EXPECT_EQ(std::fmod(x, kTokenSize), kTokenSize / 2.0);
}

TEST(World, SpinningShapesLookTheSameAfterTwoSeconds) {
  for (const auto shape : {Shape::square, Shape::triangle, Shape::star, Shape::cross}) {
    Random random(1, 0, 0);
    const auto clip = render(make_scene({0, shape, 0, Motion::spin}, 33, random), 33);
    EXPECT_TRUE(torch::allclose(clip.select(1, 32), clip.select(1, 0), 0, 1e-4));
    EXPECT_FALSE(torch::allclose(clip.select(1, 16), clip.select(1, 0), 0, 0.5));
  }
}

TEST(Renderer, GivesACircleItsArea) {
  const auto clip = render(still_scene(Shape::circle, 10), 1);
  const auto empty = render({.background = 0, .objects = {}}, 1);
  const auto behind = background_at(0, 32);
  const double contrast = 2 * (kColours[0].rgb[1] - behind[1]);
  const double area = (clip - empty)[1].sum().item<double>() / contrast;
  EXPECT_NEAR(area, 3.1416 * 100, 8);
}

TEST(Renderer, KeepsDistancesUnderItsSigns) {
  for (int s = 0; s <= kWorldShapes; ++s) {
    const auto shape = static_cast<Shape>(s);
    EXPECT_EQ(signed_distance(shape, 0, 0) < 0, shape != Shape::ring) << kShapes[s];
    EXPECT_GT(signed_distance(shape, 1.3, 1.3), 0) << kShapes[s];
  }
  EXPECT_NEAR(signed_distance(Shape::star, 0, -1.2), 0, 1e-9);  // the upper tip
}

TEST(Renderer, DrawsOneFrameAsTheFirstOfAClip) {
  Random random(1, 2, 3);
  const auto scene = make_scene({1, Shape::star, 2, Motion::orbit}, 33, random);
  const auto clip = render(scene, 33);
  EXPECT_EQ(clip.sizes(), (std::vector<int64_t>{3, 33, kHeight, kWidth}));
  EXPECT_TRUE(clip.abs().max().item<float>() <= 1);
  EXPECT_TRUE(clip.select(1, 0).equal(render(scene, 1).select(1, 0)));
  EXPECT_FALSE(clip.select(1, 0).equal(clip.select(1, 16)));
}

TEST(Checker, IsRightAboutNoisyClipsOfTheWorld) {
  torch::manual_seed(1);
  Score score;
  constexpr int kClips = 40;
  for (int i = 0; i < kClips; ++i) {
    Random random(4, 0, static_cast<uint64_t>(i));
    const auto wanted = sample_concept(random, i % 2 ? Split::training : Split::held_out);
    const int frames = i % 10 == 0 ? 81 : 33;
    const auto clip = render(make_scene(wanted, frames, random), frames);
    score.add(check(clip + 0.02 * torch::randn(clip.sizes()), wanted));
  }
  EXPECT_EQ(score.all, kClips) << score.line();
}

TEST(Checker, SeesEveryPartThatIsWrong) {
  Random random(4, 0, 0);
  const Concept shown = {0, Shape::square, 1, Motion::left};
  const auto clip = render(make_scene(shown, 33, random), 33);
  const auto right = check(clip, shown);
  EXPECT_TRUE(right.all());
  const auto wrong = check(clip, {1, Shape::circle, 2, Motion::right});
  EXPECT_FALSE(wrong.colour || wrong.shape || wrong.background || wrong.motion);
}

TEST(Checker, SeesNoObjectInAnEmptyFrame) {
  const auto seen = look_at(render({.background = 3, .objects = {}}, 5));
  EXPECT_FALSE(seen.object);
  EXPECT_EQ(seen.concept_.background, 3);
}

TEST(Prompts, SayEveryPartOfAConcept) {
  EXPECT_EQ(plain_prompt({4, Shape::star, 5, Motion::bounce}),
            "an orange star bounces on a forest green background");
  Random random(1, 1, 1);
  const Concept drawn = {6, Shape::triangle, 4, Motion::spin};
  for (int i = 0; i < 50; ++i) {
    const auto prompt = random_prompt(drawn, random);
    EXPECT_NE(prompt.find("triangle"), std::string::npos) << prompt;
    EXPECT_TRUE(prompt.find("cyan") != prompt.npos || prompt.find("turquoise") != prompt.npos);
  }
}

}  // namespace
