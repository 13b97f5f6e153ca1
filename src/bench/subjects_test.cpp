// SPDX-License-Identifier: Apache-2.0
// What is measured is the network that the specs count the arithmetic of, on numbers in range.
#include "bench/subjects.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "bench/operations.h"
#include "bench/random_weights.h"
#include "specs/cost.h"

namespace {

using namespace bench;

// Five frames of the demo family at its native size: a latent of 2x8x14, 56 tokens.
Setting tiny() {
  return {.model = *specs::find_model("wan2.1-t2v-tiny"),
          .size = {112, 64},
          .frames = 5,
          .steps = 1,
          .repeats = 2,
          .placement = {.device = torch::kCPU, .matrices = torch::kFloat32}};
}

void expect_output(const Result& result, const std::vector<int64_t>& shape) {
  EXPECT_EQ(result.timing.seconds.size(), 2u);
  EXPECT_EQ(result.output.sizes().vec(), shape);
  EXPECT_TRUE(torch::isfinite(result.output).all().item<bool>());
  EXPECT_GT(result.output.to(torch::kFloat32).std().item<double>(), 0);
}

TEST(Subjects, RunTheTransformerOnce) {
  const auto setting = tiny();
  const auto shape = specs::latent_shape(setting.model.vae, setting.size, setting.frames);
  const auto result = run_dit(setting);
  expect_output(result, {16, 2, 8, 14});
  EXPECT_EQ(result.flops, specs::dit_flops(setting.model.dit, shape));
  EXPECT_EQ(result.attention_flops, specs::dit_self_attention_flops(setting.model.dit, shape));
}

TEST(Subjects, RunTheDecoderAndTheTextEncoder) {
  expect_output(run_vae(tiny()), {3, 5, 64, 112});
  expect_output(run_umt5(tiny()), {60, 128});
}

TEST(Subjects, RunAWholeVideo) {
  const auto setting = tiny();
  const auto shape = specs::latent_shape(setting.model.vae, setting.size, setting.frames);
  const auto result = run_pipeline(setting);
  expect_output(result, {3, 5, 64, 112});
  EXPECT_DOUBLE_EQ(result.flops,
                   2 * specs::dit_flops(setting.model.dit, shape) +
                       specs::vae_decode_flops(setting.model.vae, shape));
}

TEST(Operations, AddUpToTheForward) {
  const auto result = run_operations(tiny());
  double seconds = 0, flops = 0, attention_flops = 0;
  for (const auto& operation : result.operations) {
    EXPECT_TRUE((operation.flops > 0) != (operation.bytes > 0)) << operation.name;
    const auto count = static_cast<double>(operation.count);
    seconds += count * operation.seconds;
    flops += count * operation.flops;
    if (operation.name == "self attention") attention_flops += count * operation.flops;
  }
  EXPECT_DOUBLE_EQ(result.timing.median(), seconds);
  EXPECT_DOUBLE_EQ(result.attention_flops, attention_flops);
  EXPECT_LT(flops, result.flops);  // which has the embeddings and the text's keys and values too
}

TEST(RandomWeights, KeepActivationsInRange) {
  const std::vector<weights::ExpectedTensor> tensors = {
      {"up.weight", {512, 256}}, {"up.bias", {512}}, {"norm.weight", {256}}};
  const models::Placement placement{.device = torch::kCPU, .matrices = torch::kBFloat16};
  auto made = random_weights(tensors, "a test", placement);
  const auto matrix = made.matrix("up.weight", {512, 256});
  EXPECT_EQ(matrix.scalar_type(), torch::kBFloat16);
  EXPECT_NEAR(matrix.to(torch::kFloat32).std().item<double>(), 1.0 / 16, 0.001);
  EXPECT_LT(made.fp32("up.bias", {512}).abs().max().item<double>(), 0.2);
  EXPECT_TRUE(made.fp32("norm.weight", {256}).eq(1).all().item<bool>());
}

}  // namespace
