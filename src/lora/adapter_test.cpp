// SPDX-License-Identifier: Apache-2.0
#include "lora/adapter.h"

#include <cstring>

#include <gtest/gtest.h>

#include "base/json.h"
#include "lora/numbers.h"
#include "weights/test_files.h"

namespace {

using lora::LowRank;
using weights::Dtype;
using weights::test::zeros;

constexpr specs::DitSpec kSpec = {.dim = 8, .ffn_dim = 16, .num_heads = 2, .num_layers = 1};
const std::string kQ = "diffusion_model.blocks.0.self_attn.q";

class AdapterFile : public testing::Test {
 protected:
  void add(const std::string& name, std::vector<int64_t> shape, Dtype dtype = Dtype::f32) {
    tensors_[name] = zeros(std::move(shape), dtype);
  }
  void add_pair(const std::string& module, int64_t out = 8, int64_t rank = 2, int64_t in = 8) {
    add(module + ".lora_A.weight", {rank, in});
    add(module + ".lora_B.weight", {out, rank});
  }

  auto read() {
    const auto file = folder_ / "style_high_noise.safetensors";
    weights::write_safetensors(file, tensors_, metadata_);
    return lora::read_adapter(file, kSpec);
  }
  std::string refusal() {
    return weights::test::refusal([this] { read(); });
  }

  weights::test::Folder folder_;
  weights::TensorMap tensors_;
  weights::Metadata metadata_;
};

TEST_F(AdapterFile, IsReadAsTheChangesOfWeights) {
  add_pair(kQ);
  add_pair("diffusion_model.blocks.0.ffn.0", 16);
  add(kQ + ".diff_b", {8});
  const auto adapter = read();
  EXPECT_EQ(adapter->modules, 2);
  EXPECT_EQ(adapter->hint, lora::Hint::high_noise);
  ASSERT_EQ(adapter->changes.size(), 3u);
  const auto& change = adapter->changes.at("blocks.0.self_attn.q.weight").at(0);
  EXPECT_EQ(std::get<LowRank>(change.form).down.shape, (std::vector<int64_t>{2, 8}));
  EXPECT_EQ(change.factor, 1);
  EXPECT_TRUE(adapter->warnings().empty());
}

TEST_F(AdapterFile, MayKeepItsAlphasInTheMetadata) {
  add_pair("transformer.blocks.0.attn1.to_q");
  add_pair("transformer.blocks.0.attn1.to_k", 8, 4);
  metadata_["lora_adapter_metadata"] =
      R"({"transformer.lora_alpha": 6, "transformer.alpha_pattern": {"blocks.0.attn1.to_k": 2}})";
  const auto adapter = read();
  EXPECT_EQ(adapter->changes.at("blocks.0.self_attn.q.weight").at(0).factor, 3);
  EXPECT_EQ(adapter->changes.at("blocks.0.self_attn.k.weight").at(0).factor, 0.5);
  metadata_["lora_adapter_metadata"] = R"({"transformer.lora_alpha": "six"})";
  EXPECT_NE(refusal().find("lora_adapter_metadata"), std::string::npos);
}

TEST_F(AdapterFile, IsRefusedWithAllThatIsWrong) {
  add_pair(kQ, 8, 2, 12);
  add("diffusion_model.blocks.0.self_attn.k.lora_A.weight", {2, 8});
  add_pair("diffusion_model.blocks.0.ffn.2");
  const auto message = refusal();
  EXPECT_NE(message.find("lora_shape_mismatch: blocks.0.self_attn.q"), std::string::npos)
      << message;
  EXPECT_NE(message.find("lora_incomplete_pair: blocks.0.self_attn.k"), std::string::npos);
  EXPECT_NE(message.find("lora_shape_mismatch: blocks.0.ffn.2"), std::string::npos);
}

TEST_F(AdapterFile, IsToldForWhichModelItSeemsMade) {
  add_pair(kQ, 5120, 2, 5120);
  EXPECT_NE(refusal().find("5120 wide (wan2.1-t2v-14b"), std::string::npos) << refusal();
  tensors_.clear();
  add_pair("lora_unet_down_blocks_0_attentions_0_to_q");
  EXPECT_NE(refusal().find("lora_no_match"), std::string::npos);
  EXPECT_NE(refusal().find("Stable Diffusion"), std::string::npos) << refusal();
}

TEST_F(AdapterFile, NamesWhatWasLeftOut) {
  add_pair(kQ);
  add_pair("diffusion_model.blocks.0.cross_attn.k_img");
  add("diffusion_model.patch_embedding.diff", {8, 36, 1, 2, 2});
  add_pair("lora_te_encoder_block_0");
  add("train_step", {1}, Dtype::i64);
  const auto adapter = read();
  EXPECT_EQ(adapter->skipped.size(), 3u);
  EXPECT_EQ(adapter->ignored.size(), 2u);
  EXPECT_EQ(adapter->unknown, std::vector<std::string>{"train_step"});
  ASSERT_EQ(adapter->warnings().size(), 3u);
  EXPECT_NE(adapter->warnings()[2].find("train_step"), std::string::npos);
}

TEST_F(AdapterFile, IsNoPickle) {
  const auto file = folder_.write("evil.safetensors", weights::test::zip({{"a/data.pkl", "x"}}));
  const auto message = weights::test::refusal([&] { lora::read_adapter(file, kSpec); });
  EXPECT_NE(message.find("lora_file_invalid"), std::string::npos) << message;
}

template <typename Bits>
weights::TensorView view_of(Dtype dtype, const Bits& bits) {
  return {.dtype = dtype, .shape = {1}, .strides = {}, .bytes = std::as_bytes(std::span(&bits, 1))};
}

TEST(Numbers, AreReadInEveryFloatType) {
  const uint16_t half = 0xc200, brain = 0xc040;         // -3
  const uint8_t e4m3 = 0xc4, e5m2 = 0xc2, none = 0x7f;  // -3, -3, NaN
  const float infinite = INFINITY;
  EXPECT_EQ(lora::first_number(view_of(Dtype::f16, half)), -3);
  EXPECT_EQ(lora::first_number(view_of(Dtype::bf16, brain)), -3);
  EXPECT_EQ(lora::first_number(view_of(Dtype::f8_e4m3, e4m3)), -3);
  EXPECT_EQ(lora::first_number(view_of(Dtype::f8_e5m2, e5m2)), -3);
  EXPECT_TRUE(lora::is_finite(view_of(Dtype::f8_e4m3, e4m3)));
  EXPECT_FALSE(lora::is_finite(view_of(Dtype::f8_e4m3, none)));
  EXPECT_FALSE(lora::is_finite(view_of(Dtype::f32, infinite)));
}

}  // namespace
