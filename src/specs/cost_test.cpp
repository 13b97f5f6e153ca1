// SPDX-License-Identifier: Apache-2.0
// The expected TFLOPs were derived independently, by hand, for the released models.
#include "specs/cost.h"

#include <gtest/gtest.h>

namespace {

using specs::latent_shape;

const specs::ModelSpec& model(std::string_view name) {
  return *specs::find_model(name);
}

TEST(Cost, ShapesOfTheUsualVideos) {
  const auto t2v = latent_shape(model("wan2.2-t2v-a14b").vae, {832, 480}, 81);
  EXPECT_EQ(t2v, (specs::LatentShape{21, 60, 104}));
  EXPECT_EQ(specs::token_count(t2v), 32760);
  const auto ti2v = latent_shape(model("wan2.2-ti2v-5b").vae, {1280, 704}, 121);
  EXPECT_EQ(ti2v, (specs::LatentShape{31, 44, 80}));
  EXPECT_EQ(specs::token_count(ti2v), 27280);
}

void expect_tera(double flops, double tera) {
  EXPECT_NEAR(flops / 1e12, tera, 0.006 * tera);
}

TEST(Cost, TransformerForward) {
  const auto& a14b = model("wan2.2-t2v-a14b");
  expect_tera(dit_flops(a14b.dit, latent_shape(a14b.vae, {832, 480}, 81)), 1678);
  expect_tera(dit_flops(a14b.dit, latent_shape(a14b.vae, {1280, 720}, 81)), 6523);
  expect_tera(dit_self_attention_flops(a14b.dit, latent_shape(a14b.vae, {1280, 720}, 81)), 4682);
  const auto& small = model("wan2.1-t2v-1.3b");
  expect_tera(dit_flops(small.dit, latent_shape(small.vae, {832, 480}, 81)), 283);
  const auto& ti2v = model("wan2.2-ti2v-5b");
  expect_tera(dit_flops(ti2v.dit, latent_shape(ti2v.vae, {1280, 704}, 121)), 517);
}

TEST(Cost, TextEncoder) {
  expect_tera(specs::umt5_flops({}, 512), 4.84);
}

TEST(Cost, Autoencoders) {
  const auto& vae21 = model("wan2.2-t2v-a14b").vae;
  expect_tera(vae_decode_flops(vae21, latent_shape(vae21, {832, 480}, 81)), 275);
  expect_tera(vae_decode_flops(vae21, latent_shape(vae21, {1280, 720}, 81)), 639);
  expect_tera(vae_encode_flops(vae21, latent_shape(vae21, {832, 480}, 81)), 164);
  expect_tera(vae_encode_flops(vae21, latent_shape(vae21, {1280, 720}, 81)), 382);
  const auto& vae22 = model("wan2.2-ti2v-5b").vae;
  expect_tera(vae_decode_flops(vae22, latent_shape(vae22, {832, 480}, 81)), 597);
  expect_tera(vae_decode_flops(vae22, latent_shape(vae22, {1280, 704}, 121)), 2011);
  expect_tera(vae_encode_flops(vae22, latent_shape(vae22, {1280, 704}, 121)), 383);
}

}  // namespace
