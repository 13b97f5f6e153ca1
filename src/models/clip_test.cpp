// SPDX-License-Identifier: Apache-2.0
#include "models/clip.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"

namespace {

using models::NamedTensors;
using torch::Tensor;

constexpr specs::ClipSpec kSmall = {
    .image_size = 28, .patch_size = 14, .dim = 16, .mlp_dim = 32, .num_heads = 2, .num_layers = 3};

NamedTensors random_weights(const specs::ClipSpec& s) {
  torch::manual_seed(1);
  const int64_t d = s.dim;
  NamedTensors w{{"visual.patch_embedding.weight", torch::randn({d, 3, 14, 14}) / 24},
                 {"visual.cls_embedding", torch::randn({1, 1, d})},
                 {"visual.pos_embedding", torch::randn({1, 5, d})},
                 {"visual.head", torch::randn({d, 8})},
                 {"textual.norm.weight", torch::randn({4})},
                 {"log_scale", torch::zeros({})}};
  const auto put = [&](const std::string& name, int64_t in, int64_t out) {
    w[name + ".weight"] = torch::randn({out, in}) / std::sqrt(in);
    w[name + ".bias"] = torch::randn({out});
  };
  const auto put_norm = [&](const std::string& name) {
    w[name + ".weight"] = torch::ones({d});
    w[name + ".bias"] = torch::zeros({d});
  };
  put_norm("visual.pre_norm");
  put_norm("visual.post_norm");
  for (int i = 0; i < s.num_layers; ++i) {
    const auto block = base::text("visual.transformer.", i);
    put_norm(block + ".norm1");
    put_norm(block + ".norm2");
    put(block + ".attn.to_qkv", d, 3 * d);
    put(block + ".attn.proj", d, d);
    put(block + ".mlp.0", d, s.mlp_dim);
    put(block + ".mlp.2", s.mlp_dim, d);
  }
  return w;
}

models::Clip build(const NamedTensors& tensors, torch::ScalarType type = torch::kFloat32) {
  const models::Weights from(tensors, "test", {.matrices = type});
  models::Clip clip(kSmall, from);
  from.finish();
  return clip;
}

TEST(Clip, TheLastBlockAndTheHeadHaveNoInfluence) {
  auto tensors = random_weights(kSmall);
  const std::vector<Tensor> pictures{torch::rand({3, 28, 28}) * 2 - 1};
  const auto before = build(tensors).encode(pictures);
  tensors["visual.transformer.2.mlp.2.weight"] += 1;
  tensors["visual.head"] += 1;
  EXPECT_TRUE(build(tensors).encode(pictures).equal(before));
  tensors["visual.transformer.1.mlp.2.weight"] += 1;
  EXPECT_FALSE(build(tensors).encode(pictures).allclose(before));
}

TEST(Clip, RefusesATensorOfNoKnownPart) {
  auto tensors = random_weights(kSmall);
  tensors["visual.transformer.3.norm1.weight"] = torch::ones({16});
  EXPECT_THROW(build(tensors), base::Error);
}

TEST(Clip, PicturesOfAnySizeBecomeSquaresOnTheirOwn) {
  const auto clip = build(random_weights(kSmall));
  const std::vector<Tensor> both{torch::rand({3, 1, 20, 50}) * 2 - 1,
                                 torch::rand({3, 1, 64, 31}) * 2 - 1};
  const auto features = clip.encode(both);
  EXPECT_EQ(features.sizes(), torch::IntArrayRef({2, 5, 16}));
  const auto second = clip.encode(std::span(both).subspan(1));
  EXPECT_TRUE(features[1].allclose(second[0], 1e-5, 1e-5));
}

TEST(Clip, NormalisesByTheStatisticsOfTheTrainingPictures) {
  const auto clip = build(random_weights(kSmall));
  const std::vector<Tensor> white{torch::ones({3, 28, 28})};
  const auto pixels = clip.preprocess(white);
  const auto want = torch::tensor({1.93033625f, 2.07488384f, 2.14589689f});
  EXPECT_TRUE(pixels.amax({0, 2, 3}).allclose(want, 1e-5, 1e-6));
  EXPECT_TRUE(pixels.amin({0, 2, 3}).allclose(want, 1e-5, 1e-6));
}

TEST(Clip, Bfloat16StaysNearFullPrecision) {
  const auto tensors = random_weights(kSmall);
  const std::vector<Tensor> pictures{torch::rand({3, 28, 28}) * 2 - 1};
  const auto exact = build(tensors).encode(pictures);
  const auto rounded = build(tensors, torch::kBFloat16).encode(pictures);
  EXPECT_EQ(rounded.scalar_type(), torch::kFloat32);
  EXPECT_LT(((rounded - exact).norm() / exact.norm()).item<float>(), 0.02f);
}

}  // namespace
