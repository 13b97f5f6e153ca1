// SPDX-License-Identifier: Apache-2.0
#include "weights/recognise.h"

#include <gtest/gtest.h>

#include "weights/names.h"
#include "weights/test_files.h"

namespace {

using namespace weights;
using test::contains;
using test::refusal;
using test::zeros;

TensorSet set_of(TensorMap tensors, Metadata metadata = {}) {
  return {.tensors = std::move(tensors), .metadata = std::move(metadata), .origin = "x"};
}

std::string refusal_of(TensorMap tensors, Metadata metadata = {}) {
  return refusal([&] { recognise(set_of(tensors, metadata)); });
}

// ── names ──

TEST(Names, CarryTheNumberOfABlockOver) {
  EXPECT_EQ(official_name(dit_names(), "blocks.17.attn2.to_out.0.weight"),
            "blocks.17.cross_attn.o.weight");
  EXPECT_EQ(official_name(umt5_names(), "encoder.block.3.layer.1.DenseReluDense.wi_0.weight"),
            "blocks.3.ffn.gate.0.weight");
  EXPECT_EQ(official_name(vae22_names(), "decoder.up_blocks.1.resnets.2.conv1.bias"),
            "decoder.upsamples.1.upsamples.2.residual.2.bias");
}

TEST(Names, TheAffineNormOfTheBlocksIsNorm3) {
  EXPECT_EQ(official_name(dit_names(), "blocks.0.norm2.bias"), "blocks.0.norm3.bias");
}

TEST(Names, StagesOfTheOlderVaeBecomeOneList) {
  EXPECT_EQ(official_name(vae21_names(), "decoder.up_blocks.2.resnets.1.norm2.gamma"),
            "decoder.upsamples.9.residual.3.gamma");
  EXPECT_EQ(official_name(vae21_names(), "decoder.up_blocks.1.upsamplers.0.time_conv.bias"),
            "decoder.upsamples.7.time_conv.bias");
  EXPECT_EQ(official_name(vae21_names(), "encoder.down_blocks.10.conv_shortcut.bias"),
            "encoder.downsamples.10.shortcut.bias");
}

TEST(Names, UnknownNamesStayAsTheyAre) {
  EXPECT_EQ(official_name(dit_names(), "blocks.0.attn3.to_q.weight"), "blocks.0.attn3.to_q.weight");
  EXPECT_EQ(official_name(dit_names(), "blocks.x.attn1.to_q.weight"), "blocks.x.attn1.to_q.weight");
  EXPECT_EQ(official_name(dit_names(), "proj_outer.weight"), "proj_outer.weight");
}

// ── parts ──

const specs::Umt5Spec kText = {
    .vocab = 8, .dim = 4, .dim_attn = 6, .dim_ffn = 5, .num_heads = 2, .num_layers = 2};
const specs::DitSpec kDit = {
    .dim = 128, .ffn_dim = 8, .num_heads = 1, .num_layers = 1, .freq_dim = 8, .text_dim = 8};

TEST(Recognise, TellsThePartsByTheirNames) {
  EXPECT_EQ(recognise(set_of(test::network(kDit))).at(0).kind, PartKind::dit);
  EXPECT_EQ(recognise(set_of(test::network(kText))).at(0).kind, PartKind::text_encoder);
  EXPECT_EQ(recognise(set_of(test::network(specs::VaeSpec{.dim = 2, .decoder_dim = 2}))).at(0).kind,
            PartKind::vae);
  EXPECT_EQ(recognise(set_of({{"conv1.weight", zeros({1})}})).size(), 0u);
}

TEST(Recognise, SplitsAnAllInOneFileByItsPrefixes) {
  TensorMap all;
  for (const auto& [name, view] : test::network(kDit)) all["model.diffusion_model." + name] = view;
  for (const auto& [name, view] : test::network(specs::VaeSpec{.dim = 2, .decoder_dim = 2})) {
    all["vae." + name] = view;
  }
  all["text_encoders.umt5xxl.transformer.shared.weight"] = zeros({8, 4});
  all["text_encoders.spiece_model"] = zeros({3}, Dtype::u8);
  all["text_encoders.umt5xxl.logit_scale"] = zeros({});
  const auto parts = recognise(set_of(all));
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_EQ(parts[0].kind, PartKind::dit);
  EXPECT_TRUE(parts[0].tensors.contains("head.modulation"));
  EXPECT_EQ(parts[1].kind, PartKind::text_encoder);
  EXPECT_TRUE(parts[1].tensors.contains("token_embedding.weight"));
  EXPECT_TRUE(parts[1].tokenizer.has_value());
  EXPECT_EQ(parts[2].kind, PartKind::vae);
}

TEST(Recognise, NamesTheVariantsItDoesNotRun) {
  const std::pair<const char*, const char*> variants[] = {
      {"vace_blocks.0.after_proj.weight", "VACE"},
      {"control_adapter.conv.weight", "camera"},
      {"ref_conv.weight", "Fun"},
      {"casual_audio_encoder.weights", "S2V"},
      {"face_adapter.fuser_blocks.0.q.weight", "Animate"},
      {"audio_proj.audio_proj_glob_1.layer.weight", "HuMo"}};
  for (const auto& [tensor, variant] : variants) {
    auto tensors = test::network(kDit);
    tensors[tensor] = zeros({1});
    EXPECT_TRUE(contains(refusal_of(tensors), variant)) << refusal_of(tensors);
    EXPECT_TRUE(contains(refusal_of(tensors), tensor)) << refusal_of(tensors);
  }
}

TEST(Recognise, ALoraIsNoPart) {
  const auto set = set_of({{"diffusion_model.blocks.0.self_attn.q.lora_A.weight", zeros({4, 4})}});
  EXPECT_TRUE(recognise(set).empty());
  EXPECT_TRUE(is_adapter(set.tensors));
}

TEST(Recognise, DropsWhatIsKnownToBeOfNoUse) {
  const auto part = recognise(set_of({{"blocks.0.attn1.to_q.weight", zeros({2, 2})},
                                      {"blocks.0.attn2.norm_added_q.weight", zeros({2})}}))
                        .at(0);
  EXPECT_EQ(part.tensors.size(), 1u);
}

TEST(Recognise, TheEmbeddingMayBeThereUnderBothItsNames) {
  const auto part = recognise(set_of({{"shared.weight", zeros({8, 4})},
                                      {"encoder.embed_tokens.weight", zeros({8, 4})}}))
                        .at(0);
  EXPECT_TRUE(part.tensors.contains("token_embedding.weight"));
  EXPECT_EQ(part.tensors.size(), 1u);
}

TEST(Recognise, StacksQueryKeyAndValueOfTheImageEncoder) {
  const std::string layer = "vision_model.encoder.layers.0.self_attn.";
  const auto part = recognise(set_of({{layer + "q_proj.weight", zeros({4, 4})},
                                      {layer + "k_proj.weight", zeros({4, 4})},
                                      {layer + "v_proj.weight", zeros({4, 4})},
                                      {"vision_model.embeddings.class_embedding", zeros({4})}}))
                        .at(0);
  const auto& stacked = part.tensors.at("visual.transformer.0.attn.to_qkv.weight");
  EXPECT_EQ(stacked.shape, (std::vector<int64_t>{12, 4}));
  EXPECT_EQ(stacked.stacked.size(), 3u);
  EXPECT_EQ(part.tensors.at("visual.cls_embedding").shape, (std::vector<int64_t>{1, 1, 4}));
  EXPECT_EQ(part.tensors.size(), 2u);
}

// ── quantised weights ──

constexpr const char* kWeight = "blocks.0.self_attn.q.weight";
constexpr const char* kOther = "blocks.0.self_attn.k.weight";

TensorMap fp8() {
  return {{kWeight, zeros({4, 2}, Dtype::f8_e4m3)}};
}

TEST(Quantisation, BothSpellingsOfAScaleAreTaken) {
  for (const char* scale : {"scale_weight", "weight_scale"}) {
    auto tensors = fp8();
    tensors[std::string("blocks.0.self_attn.q.") + scale] = zeros({});
    const auto part = recognise(set_of(tensors)).at(0);
    ASSERT_NE(part.tensors.at(kWeight).scale, nullptr);
    EXPECT_EQ(part.tensors.size(), 1u);
  }
}

TEST(Quantisation, AScalePerRowIsTaken) {
  auto tensors = fp8();
  tensors["blocks.0.self_attn.q.weight_scale"] = zeros({4, 1});
  EXPECT_EQ(recognise(set_of(tensors)).at(0).tensors.at(kWeight).scale->elements(), 4);
}

TEST(Quantisation, WithoutAnyScaleTheNumbersAreTheWeights) {
  EXPECT_EQ(recognise(set_of(fp8())).at(0).tensors.at(kWeight).scale, nullptr);
}

TEST(Quantisation, AMissingScaleIsAnErrorInAFileThatHasScales) {
  auto tensors = fp8();
  tensors[kOther] = zeros({4, 2}, Dtype::f8_e4m3);
  tensors["blocks.0.self_attn.q.scale_weight"] = zeros({});
  EXPECT_EQ(refusal_of(tensors),
            "x: tensor blocks.0.self_attn.k.weight is F8_E4M3 without a scale in a file that has "
            "scales");
  auto marked = fp8();
  marked["scaled_fp8"] = zeros({0}, Dtype::f8_e4m3);
  EXPECT_TRUE(contains(refusal_of(marked), kWeight));
}

TEST(Quantisation, RefusesScalesThatDoNotFit) {
  const auto with = [](const std::string& name, TensorView scale) {
    auto tensors = fp8();
    tensors[name] = std::move(scale);
    return refusal_of(tensors);
  };
  const std::string name = "blocks.0.self_attn.q.scale_weight";
  EXPECT_TRUE(contains(with(name, zeros({2})), "expected one number or [4, 1]"));
  EXPECT_TRUE(contains(with(name, zeros({2, 4})), "expected one number or [4, 1]"));
  EXPECT_TRUE(contains(with(name, zeros({}, Dtype::i32)), "expected one number or [4, 1]"));
  EXPECT_TRUE(contains(with("blocks.0.ffn.0.scale_weight", zeros({})), "which is not there"));
}

TEST(Quantisation, RefusesAScaleOfAFullWeight) {
  EXPECT_TRUE(contains(refusal_of({{kWeight, zeros({4, 2}, Dtype::bf16)},
                                   {"blocks.0.self_attn.q.scale_weight", zeros({})}}),
                       "is BF16 and has the scale"));
}

TEST(Quantisation, RefusesUnknownFormatsByName) {
  const std::string json = R"({"format": "nvfp4"})";
  auto tensors = fp8();
  tensors["blocks.0.self_attn.q.weight_scale"] = zeros({});
  tensors["blocks.0.self_attn.q.comfy_quant"] = {.dtype = Dtype::u8,
                                                 .shape = {static_cast<int64_t>(json.size())},
                                                 .bytes = test::bytes_of(json)};
  EXPECT_TRUE(contains(refusal_of(tensors), "nvfp4"));
  const Metadata metadata = {
      {"_quantization_metadata", R"({"layers": {"blocks.0.self_attn.q": {"format": "mxfp8"}}})"}};
  EXPECT_TRUE(contains(refusal_of(fp8(), metadata), "mxfp8"));
}

TEST(Quantisation, ScalesOfActivationsAreDropped) {
  auto tensors = fp8();
  tensors["blocks.0.self_attn.q.scale_weight"] = zeros({});
  tensors["blocks.0.self_attn.q.scale_input"] = zeros({});
  EXPECT_EQ(recognise(set_of(tensors)).at(0).tensors.size(), 1u);
}

}  // namespace
