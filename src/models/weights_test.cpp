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

// A view over the bytes of a tensor, which must outlive it.
weights::TensorView view_of(const torch::Tensor& tensor, weights::Dtype dtype) {
  return {.dtype = dtype,
          .shape = tensor.sizes().vec(),
          .bytes = {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()}};
}

struct Quantised {
  torch::Tensor stored = torch::tensor({{1.f, -2.f}, {0.5f, 448.f}}).to(torch::kFloat8_e4m3fn);
  torch::Tensor scale;

  Weights weights(torch::ScalarType matrices = torch::kFloat32) {
    auto view = view_of(stored, weights::Dtype::f8_e4m3);
    view.scale = std::make_shared<weights::TensorView>(view_of(scale, weights::Dtype::f32));
    return {weights::TensorMap{{"w", view}}, "fp8.safetensors", {.matrices = matrices}};
  }
};

TEST(Weights, AQuantisedTensorIsTheStoredNumbersTimesOneScale) {
  Quantised q{.scale = torch::tensor(0.25f)};
  const auto want = torch::tensor({{0.25f, -0.5f}, {0.125f, 112.f}});
  EXPECT_TRUE(q.weights().matrix("w", {2, 2}).equal(want));
  EXPECT_TRUE(q.weights().as_stored("w", {2, 2}).equal(want));
}

TEST(Weights, AScalePerRowMultipliesRows) {
  Quantised q{.scale = torch::tensor({{2.f}, {3.f}})};
  EXPECT_TRUE(q.weights().fp32("w", {2, 2}).equal(torch::tensor({{2.f, -4.f}, {1.5f, 1344.f}})));
}

TEST(Weights, AQuantisedTensorIsRoundedOnce) {
  // 448 * 1.00390625 is 449.75: bf16 has 448 and 450 there. A scale rounded first would give 448.
  Quantised q{.scale = torch::tensor(1.00390625f)};
  EXPECT_EQ(q.weights(torch::kBFloat16).matrix("w", {2, 2})[1][1].item<float>(), 450.f);
}

TEST(Weights, PiecesAreStackedAlongTheFirstDimension) {
  const auto a = torch::ones({1, 2}), b = torch::zeros({1, 2});
  weights::TensorView whole{.shape = {2, 2}};
  whole.stacked = {view_of(a, weights::Dtype::f32), view_of(b, weights::Dtype::f32)};
  Weights w(weights::TensorMap{{"w", whole}}, "x", {.matrices = torch::kFloat32});
  EXPECT_TRUE(w.matrix("w", {2, 2}).equal(torch::tensor({{1.f, 1.f}, {0.f, 0.f}})));
}

TEST(Weights, BytesOffTheirAlignmentAreCopied) {
  const auto buffer = torch::zeros({9}, torch::kUInt8);
  auto* data = static_cast<std::byte*>(buffer.data_ptr());
  const float two = 2;
  std::memcpy(data + 1, &two, sizeof two);
  const weights::TensorView view{.shape = {2}, .bytes = {data + 1, 8}};
  const auto tensor = models::as_tensor(view);
  EXPECT_TRUE(tensor.equal(torch::tensor({2.f, 0.f})));
  EXPECT_NE(tensor.data_ptr(), static_cast<void*>(data + 1));
}

TEST(Weights, NamesAnIntegerTypeAsTheFileSpellsIt) {
  const auto integers = torch::zeros({2}, torch::kInt32);
  Weights w(weights::TensorMap{{"w", view_of(integers, weights::Dtype::i32)}}, "x", {});
  EXPECT_EQ(refusal([&] { w.matrix("w", {2}); }), "x: tensor w is I32, expected a float type");
}

}  // namespace
