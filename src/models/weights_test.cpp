// SPDX-License-Identifier: Apache-2.0
#include "models/weights.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/error.h"
#include "models/layers.h"

namespace {

using models::Weights;

Weights some_weights() {
  return {models::NamedTensors{{"blocks.0.q.weight", torch::ones({3, 2})},
                               {"blocks.0.q.bias", torch::zeros({3})},
                               {"head", torch::ones({1})}},
          "test.safetensors",
          {.matrices = torch::kFloat32}};
}

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const base::Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Weights, ALayerTakesItsTensorsByTheCheckpointsNames) {
  auto w = some_weights();
  auto block = w.in("blocks.0");
  const models::Linear q(block, "q", 2, 3);
  EXPECT_TRUE(q(torch::ones({1, 2})).equal(torch::full({1, 3}, 2.f)));
}

TEST(Weights, NamesAMissingTensor) {
  auto w = some_weights().in("blocks.1.q");
  EXPECT_EQ(refusal([&] {
              w.matrix("weight", {3, 2});
            }),
            "test.safetensors: no tensor blocks.1.q.weight");
}

TEST(Weights, NamesShapeExpectedAndFound) {
  auto w = some_weights();
  EXPECT_EQ(refusal([&] {
              w.matrix("blocks.0.q.weight", {2, 3});
            }),
            "test.safetensors: tensor blocks.0.q.weight has shape [3, 2], expected [2, 3]");
}

TEST(Weights, NamesWhatIsLeftOver) {
  auto w = some_weights();
  w.fp32("head", {1});
  w.skip("blocks.0.q.bias");
  EXPECT_EQ(refusal([&] { w.finish(); }),
            "test.safetensors: 1 tensors belong to no part of the model: blocks.0.q.weight");
}

TEST(Weights, ATrainableTensorIsTakenAsItIs) {
  const auto leaf = torch::ones({2}, torch::requires_grad());
  Weights w(models::NamedTensors{{"x", leaf}}, "training", {.matrices = torch::kFloat32});
  EXPECT_TRUE(w.fp32("x", {2}).is_same(leaf));
}

}  // namespace
