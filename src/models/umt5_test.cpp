// SPDX-License-Identifier: Apache-2.0
#include "models/umt5.h"

#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"

namespace {

using models::NamedTensors;

constexpr specs::Umt5Spec kSmall = {.vocab = 50,
                                    .dim = 24,
                                    .dim_attn = 32,
                                    .dim_ffn = 40,
                                    .num_heads = 4,
                                    .num_layers = 2,
                                    .num_buckets = 32};

NamedTensors random_weights(const specs::Umt5Spec& s) {
  torch::manual_seed(1);
  const auto matrix = [](int64_t out, int64_t in) {
    return (torch::randn({out, in}) / std::sqrt(in)).requires_grad_();
  };
  NamedTensors w{{"token_embedding.weight", torch::randn({s.vocab, s.dim}).requires_grad_()},
                 {"norm.weight", torch::ones({s.dim}).requires_grad_()}};
  for (int i = 0; i < s.num_layers; ++i) {
    const auto in = base::text("blocks.", i, ".");
    for (const auto* name : {"q", "k", "v"}) {
      w[base::text(in, "attn.", name, ".weight")] = matrix(s.dim_attn, s.dim);
    }
    w[in + "attn.o.weight"] = matrix(s.dim, s.dim_attn);
    w[in + "ffn.gate.0.weight"] = matrix(s.dim_ffn, s.dim);
    w[in + "ffn.fc1.weight"] = matrix(s.dim_ffn, s.dim);
    w[in + "ffn.fc2.weight"] = matrix(s.dim, s.dim_ffn);
    w[in + "norm1.weight"] = torch::ones({s.dim}).requires_grad_();
    w[in + "norm2.weight"] = torch::ones({s.dim}).requires_grad_();
    w[in + "pos_embedding.embedding.weight"] = matrix(s.num_buckets, s.num_heads);
  }
  return w;
}

models::Umt5 build(const NamedTensors& tensors, torch::ScalarType type = torch::kFloat32) {
  const models::Weights from(tensors, "test", {.matrices = type});
  models::Umt5 umt5(kSmall, from);
  from.finish();
  return umt5;
}

// The expected numbers are those of wan-models section 5: exact below 8, then logarithmic.
TEST(Umt5, BucketsAreExactForNeighboursAndLogarithmicBeyond) {
  const auto bucket = [](int64_t distance) {
    return models::umt5_buckets(torch::tensor({distance}), 32).item<int64_t>();
  };
  const std::map<int64_t, int64_t> first_distance_of = {{0, 0},
                                                        {1, 1},
                                                        {7, 7},
                                                        {8, 8},
                                                        {12, 9},
                                                        {16, 10},
                                                        {23, 11},
                                                        {32, 12},
                                                        {46, 13},
                                                        {64, 14},
                                                        {91, 15}};
  for (const auto& [distance, want] : first_distance_of) {
    EXPECT_EQ(bucket(-distance), want) << distance;
    if (distance > 0) {
      EXPECT_EQ(bucket(distance), want + 16) << distance;
      EXPECT_EQ(bucket(1 - distance), want - 1) << distance;
    }
  }
  EXPECT_EQ(bucket(-511), 15);
  EXPECT_EQ(bucket(511), 31);
}

TEST(Umt5, ABiasBelongsToTheDistanceFromQueryToKey) {
  const auto umt5 = build(random_weights(kSmall));
  const auto& block = umt5.blocks[1];
  const auto bias = block.attention_bias(models::umt5_buckets(torch::arange(-4, 5), 32), {});
  EXPECT_EQ(bias.sizes(), torch::IntArrayRef({1, 4, 5, 5}));
  const auto at = [&](int64_t query, int64_t key) {
    return bias[0].select(1, query).select(1, key);
  };
  EXPECT_TRUE(at(3, 1).equal(block.pos_embedding[2]));
  EXPECT_TRUE(at(1, 3).equal(block.pos_embedding[16 + 2]));
  EXPECT_TRUE(at(4, 4).equal(block.pos_embedding[0]));
}

TEST(Umt5, APaddedBatchGivesWhatEachPromptGivesAlone) {
  const auto umt5 = build(random_weights(kSmall));
  const auto long_ids = torch::randint(2, kSmall.vocab, {9}, torch::kInt64);
  const auto short_ids = torch::randint(2, kSmall.vocab, {4}, torch::kInt64);
  const auto ids =
      torch::stack({long_ids, torch::cat({short_ids, torch::zeros({5}, torch::kInt64)})});
  const auto mask =
      torch::stack({torch::ones({9}), torch::cat({torch::ones({4}), torch::zeros({5})})});
  const auto both = umt5.encode_batch(ids, mask);
  EXPECT_TRUE(both[0].allclose(umt5.encode(long_ids), 1e-5, 1e-5));
  EXPECT_TRUE(both[1].slice(0, 0, 4).allclose(umt5.encode(short_ids), 1e-5, 1e-5));
  EXPECT_EQ(both[1].slice(0, 4).abs().max().item<float>(), 0.f);
}

void expect_gradients(const NamedTensors& tensors) {
  for (const auto& [name, leaf] : tensors) {
    ASSERT_TRUE(leaf.grad().defined()) << name;
    EXPECT_TRUE(leaf.grad().isfinite().all().item<bool>()) << name;
    EXPECT_GT(leaf.grad().abs().max().item<float>(), 0.f) << name;
  }
}

TEST(Umt5, GradientsReachEveryTensor) {
  const auto tensors = random_weights(kSmall);
  const auto ids = torch::tensor({{5, 7, 9, 1}, {6, 1, 0, 0}});
  const auto context = build(tensors).encode_batch(ids, ids != 0);
  (context * torch::randn_like(context)).sum().backward();
  expect_gradients(tensors);
}

TEST(Umt5, GradientsReachEveryTensorUnderAutocast) {
  const auto tensors = random_weights(kSmall);
  const auto ids = torch::tensor({{5, 7, 9, 1}, {6, 1, 0, 0}});
  at::autocast::set_autocast_enabled(at::kCPU, true);
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  const auto context = build(tensors).encode_batch(ids, ids != 0);
  at::autocast::set_autocast_enabled(at::kCPU, false);
  at::autocast::clear_cache();
  (context * torch::randn_like(context)).sum().backward();
  expect_gradients(tensors);
}

TEST(Umt5, Bfloat16StaysNearFullPrecision) {
  const torch::NoGradGuard no_gradients;
  const auto tensors = random_weights(kSmall);
  const auto ids = torch::tensor({5, 7, 9, 30, 12, 1});
  const auto exact = build(tensors).encode(ids);
  const auto rounded = build(tensors, torch::kBFloat16).encode(ids);
  EXPECT_EQ(rounded.scalar_type(), torch::kBFloat16);
  const auto error = (rounded.to(torch::kFloat32) - exact).norm() / exact.norm();
  EXPECT_LT(error.item<float>(), 0.02f);
}

TEST(Umt5, TheTokenEmbeddingIsNotConverted) {
  const auto tensors = random_weights(kSmall);
  const auto umt5 = build(tensors, torch::kBFloat16);
  EXPECT_TRUE(umt5.token_embedding.is_same(tensors.at("token_embedding.weight")));
}

TEST(Umt5, RefusesAnIdOutsideTheVocabulary) {
  const auto umt5 = build(random_weights(kSmall));
  try {
    umt5.encode(torch::tensor({3, 50, 1}));
    FAIL() << "accepted";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::invalid);
    EXPECT_STREQ(error.what(),
                 "umt5: token id 50 is outside the vocabulary of 50; the tokenizer is of another "
                 "model");
  }
}

}  // namespace
