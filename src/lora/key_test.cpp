// SPDX-License-Identifier: Apache-2.0
#include "lora/key.h"

#include <gtest/gtest.h>

#include "lora/targets.h"

namespace {

using lora::Role;

struct Spelling {
  const char* name;
  const char* module;
  Role role;
};

class Spellings : public testing::TestWithParam<Spelling> {};

TEST_P(Spellings, AreAllUnderstood) {
  const auto key = lora::parse_key(GetParam().name);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->module, GetParam().module);
  EXPECT_EQ(key->role, GetParam().role);
}

INSTANTIATE_TEST_SUITE_P(
    Of,
    Spellings,
    testing::Values(
        Spelling{"diffusion_model.blocks.7.ffn.0.lora_A.weight", "blocks.7.ffn.0", Role::down},
        Spelling{"diffusion_model.blocks.7.ffn.0.lora_up.weight", "blocks.7.ffn.0", Role::up},
        Spelling{"lora_unet_blocks_7_ffn_0.alpha", "blocks_7_ffn_0", Role::alpha},
        Spelling{"lora_unet__blocks_7_ffn_0.lora_down.weight", "blocks_7_ffn_0", Role::down},
        Spelling{
            "transformer_2.blocks.7.attn1.to_q.lora_B.weight", "blocks.7.attn1.to_q", Role::up},
        Spelling{"blocks.7.ffn.0.lora_A.default.weight", "blocks.7.ffn.0", Role::down},
        Spelling{"base_model.model.blocks.7.ffn.0.lora_B", "blocks.7.ffn.0", Role::up},
        Spelling{
            "model.diffusion_model.blocks.7.ffn.0.diff_b", "blocks.7.ffn.0", Role::bias_difference},
        Spelling{"blocks.7.ffn.0_lora.up.weight", "blocks.7.ffn.0", Role::up},
        Spelling{"blocks.7.ffn.0.lora_linear_layer.down.weight", "blocks.7.ffn.0", Role::down},
        Spelling{"lycoris_blocks_7_ffn_0.lokr_w2_a", "blocks_7_ffn_0", Role::lokr_w2_a},
        Spelling{"blocks.7.modulation.diff", "blocks.7.modulation", Role::difference},
        Spelling{"blocks.7.diff_m", "blocks.7", Role::modulation_difference}));

TEST(Key, IsNothingWhereTheNameIsNoAdapters) {
  for (const auto* name :
       {"", "blocks.0.self_attn.q.weight", "train_step", "blocks.0.q.something"}) {
    EXPECT_FALSE(lora::parse_key(name)) << name;
  }
}

TEST(Key, TellsTextEncodersApart) {
  EXPECT_TRUE(lora::is_of_text_encoder("lora_te_encoder_block_0.alpha"));
  EXPECT_TRUE(lora::is_of_text_encoder("text_encoder.encoder.block.0.lora_A.weight"));
  EXPECT_FALSE(lora::is_of_text_encoder("text_embedding.0.lora_A.weight"));
}

class TargetsOf : public testing::Test {
 protected:
  std::string parameter(const std::string& module, Role role) const {
    const auto* target = targets_.find({module, role});
    return target == nullptr ? "none" : target->parameter;
  }

  lora::Targets targets_{{.dim = 8, .ffn_dim = 16, .num_heads = 2, .num_layers = 12}};
};

TEST_F(TargetsOf, AreFoundInBothSpellingsWithDotsAndUnderscores) {
  for (const auto* module : {"blocks.11.self_attn.o",
                             "blocks_11_self_attn_o",
                             "blocks_11.self_attn.o",
                             "blocks.11.attn1.to_out.0",
                             "blocks_11_attn1_to_out_0"}) {
    EXPECT_EQ(parameter(module, Role::up), "blocks.11.self_attn.o.weight") << module;
    EXPECT_EQ(parameter(module, Role::bias_difference), "blocks.11.self_attn.o.bias") << module;
  }
}

TEST_F(TargetsOf, AreModulationsUnderTheirOwnAndTheirBlocksName) {
  EXPECT_EQ(parameter("blocks.3", Role::modulation_difference), "blocks.3.modulation");
  EXPECT_EQ(parameter("blocks.3.modulation", Role::difference), "blocks.3.modulation");
  EXPECT_EQ(parameter("head", Role::modulation_difference), "head.modulation");
}

TEST_F(TargetsOf, AreNoOthers) {
  EXPECT_EQ(parameter("blocks.12.self_attn.q", Role::up), "none");
  EXPECT_EQ(parameter("blocks.1.cross_attn.k_img", Role::up), "none");
  EXPECT_EQ(parameter("", Role::difference), "none");
}

}  // namespace
