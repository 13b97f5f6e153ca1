// SPDX-License-Identifier: Apache-2.0
#include "models/vae.h"

#include <cmath>
#include <filesystem>

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/error.h"
#include "models/vae22.h"
#include "weights/safetensors.h"

namespace {

using models::Stream;
using models::Tensor;
using models::Vae;
using specs::VaeKind;
using specs::VaeSpec;

constexpr VaeSpec k21 = {.kind = VaeKind::vae21, .dim = 4, .decoder_dim = 4, .z_dim = 16};
constexpr VaeSpec k22 = {.kind = VaeKind::vae22, .dim = 4, .decoder_dim = 6, .z_dim = 48};

// Random weights that neither blow the activations up nor let them vanish.
Tensor random_weight(const std::string&, torch::IntArrayRef shape, torch::ScalarType dtype) {
  const auto options = torch::TensorOptions().dtype(dtype);
  if (shape.size() == 1) return torch::randn(shape, options) * 0.1;  // bias
  if (shape[1] == 1) return torch::rand(shape, options) + 0.5;       // gamma
  const auto fan_in = static_cast<double>(c10::multiply_integers(shape.slice(1)));
  return torch::randn(shape, options) / std::sqrt(fan_in);
}

Vae random_vae(const VaeSpec& spec, torch::ScalarType dtype = torch::kFloat64) {
  torch::manual_seed(5);
  const auto make = [dtype](const std::string& name, torch::IntArrayRef shape) {
    return random_weight(name, shape, dtype);
  };
  return {spec, models::Weights(make, {.matrices = dtype})};
}

Tensor random_video(const VaeSpec& spec, int64_t frames, torch::ScalarType dtype) {
  const auto stride = spec.space_stride();
  return torch::rand({3, frames, stride, 2 * stride}, dtype) * 2 - 1;
}

double worst(const Tensor& got, const Tensor& want) {
  return (got - want).abs().max().item<double>();
}

// What decode hands over, put together.
Tensor decoded(const Vae& vae, const Tensor& latent_ZFHW) {
  std::vector<Tensor> groups;
  vae.decode(latent_ZFHW, [&](const Tensor& frames_CFHW) { groups.push_back(frames_CFHW); });
  return torch::cat(groups, 1);
}

// Decodes in chunks of these lengths.
Tensor decode_chunks(const Vae& vae, const Tensor& raw_BZFHW, const std::vector<int64_t>& lengths) {
  Stream stream;
  std::vector<Tensor> parts;
  int64_t begin = 0;
  for (const auto length : lengths) {
    stream.first = begin == 0;
    parts.push_back(vae.decode_chunk(raw_BZFHW.slice(2, begin, begin + length), stream));
    begin += length;
  }
  return torch::cat(parts, 2);
}

Tensor encode_chunks(const Vae& vae,
                     const Tensor& video_BCFHW,
                     const std::vector<int64_t>& lengths) {
  Stream stream;
  std::vector<Tensor> parts;
  int64_t begin = 0;
  for (const auto length : lengths) {
    stream.first = begin == 0;
    parts.push_back(vae.encode_chunk(video_BCFHW.slice(2, begin, begin + length), stream));
    begin += length;
  }
  return torch::cat(parts, 2);
}

class BothVaes : public testing::TestWithParam<VaeSpec> {};

TEST_P(BothVaes, DecodeTheSameInChunksOfAnyLength) {
  torch::InferenceMode guard;
  const auto vae = random_vae(GetParam());
  const auto raw_BZFHW = torch::randn({1, GetParam().z_dim, 6, 1, 2}, torch::kFloat64);
  const auto whole_BCFHW = vae.decode_raw(raw_BZFHW);
  EXPECT_EQ(whole_BCFHW.size(2), 21);
  EXPECT_GT(whole_BCFHW.std().item<double>(), 0.05);
  for (const auto& lengths :
       std::vector<std::vector<int64_t>>{{1, 1, 1, 1, 1, 1}, {1, 2, 3}, {4, 2}}) {
    EXPECT_LT(worst(decode_chunks(vae, raw_BZFHW, lengths), whole_BCFHW), 1e-12);
  }
}

TEST_P(BothVaes, EncodeTheSameInChunks) {
  torch::InferenceMode guard;
  const auto vae = random_vae(GetParam());
  const auto video_BCFHW = random_video(GetParam(), 17, torch::kFloat64).unsqueeze(0);
  const auto whole_BMFHW = vae.encode_moments(video_BCFHW);
  EXPECT_EQ(whole_BMFHW.size(2), 5);
  EXPECT_GT(whole_BMFHW.std().item<double>(), 0.05);
  for (const auto& lengths :
       std::vector<std::vector<int64_t>>{{1, 4, 4, 4, 4}, {1, 8, 8}, {9, 4, 4}}) {
    EXPECT_LT(worst(encode_chunks(vae, video_BCFHW, lengths), whole_BMFHW), 1e-12);
  }
}

TEST_P(BothVaes, HandOverFramesInOrderAndClamped) {
  torch::InferenceMode guard;
  const auto vae = random_vae(GetParam(), torch::kFloat32);
  const auto latent_ZFHW = torch::randn({GetParam().z_dim, 3, 2, 3}) * 3;
  const auto video_CFHW = decoded(vae, latent_ZFHW);
  const auto whole_CFHW = vae.decode_raw(vae.denormalised(latent_ZFHW).unsqueeze(0)).squeeze(0);
  EXPECT_GT(whole_CFHW.abs().max().item<double>(), 1);
  EXPECT_LT(worst(video_CFHW, whole_CFHW.clamp(-1, 1)), 1e-4);
}

TEST_P(BothVaes, DropTheFramesAfterTheLastGroupOfFour) {
  torch::InferenceMode guard;
  const auto vae = random_vae(GetParam(), torch::kFloat32);
  const auto video_CFHW = random_video(GetParam(), 8, torch::kFloat32);
  EXPECT_EQ(worst(vae.encode(video_CFHW), vae.encode(video_CFHW.slice(1, 0, 5))), 0);
}

TEST_P(BothVaes, DecodeTheSameWithoutTheirEncoder) {
  torch::InferenceMode guard;
  torch::manual_seed(5);
  models::NamedTensors tensors;
  const auto make = [&](const std::string& name, torch::IntArrayRef shape) {
    return tensors[name] = random_weight(name, shape, torch::kFloat32);
  };
  const models::Placement fp32 = {.matrices = torch::kFloat32};
  const Vae whole(GetParam(), models::Weights(make, fp32));
  const Vae half(GetParam(), models::Weights(tensors, "the same", fp32), models::VaeUse::decode);
  EXPECT_FALSE(half.encoder.has_value());
  const auto raw_BZFHW = torch::randn({1, GetParam().z_dim, 2, 2, 3});
  EXPECT_EQ(worst(half.decode_raw(raw_BZFHW), whole.decode_raw(raw_BZFHW)), 0);
  EXPECT_THROW(half.encode(random_video(GetParam(), 5, torch::kFloat32)), std::logic_error);
}

TEST_P(BothVaes, GradientsReachEveryWeight) {
  torch::manual_seed(5);
  std::map<std::string, Tensor> leaves;
  const auto make = [&](const std::string& name, torch::IntArrayRef shape) {
    return leaves[name] = random_weight(name, shape, torch::kFloat32).requires_grad_();
  };
  const Vae vae(GetParam(), models::Weights(make, {.matrices = torch::kFloat32}));
  const auto video_BCFHW = random_video(GetParam(), 5, torch::kFloat32).unsqueeze(0);
  const auto moments_BMFHW = vae.encode_moments(video_BCFHW);
  const auto raw_BZFHW = moments_BMFHW.slice(1, 0, GetParam().z_dim);
  (vae.decode_raw(raw_BZFHW).square().mean() + moments_BMFHW.square().mean()).backward();
  EXPECT_EQ(leaves.size(), GetParam().kind == VaeKind::vae21 ? 194u : 196u);
  for (const auto& [name, leaf] : leaves) {
    ASSERT_TRUE(leaf.grad().defined()) << name;
    EXPECT_GT(leaf.grad().abs().max().item<double>(), 0) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Vae, BothVaes, testing::Values(k21, k22), [](const auto& given) {
  return std::string(given.param.kind == VaeKind::vae21 ? "Vae21" : "Vae22");
});

// A red square on a gradient, through the trained weights of the demo model.
TEST(Vae, DecodesInBf16NearlyAsInFp32) {
  torch::InferenceMode guard;
  const auto& spec = specs::find_model("wan2.1-t2v-tiny")->vae;
  const auto file = std::filesystem::path(ZOETROPE_SOURCE_DIR) /
                    "weights/tiny/wan2.1-t2v-tiny/Wan2.1_VAE.safetensors";
  const auto load = [&](torch::ScalarType type) {
    return Vae(spec, {weights::read_safetensors(file).tensors, file.string(), {.matrices = type}});
  };
  auto video_CFHW = torch::linspace(-0.5, 0.5, 64).reshape({1, 1, 64, 1}).repeat({3, 17, 1, 112});
  using torch::indexing::Slice;
  video_CFHW.index_put_({0, Slice(), Slice(20, 44), Slice(40, 64)}, 0.8);
  const Vae fp32 = load(torch::kFloat32);
  const auto latent_ZFHW = fp32.encode(video_CFHW);
  const auto want = decoded(fp32, latent_ZFHW), got = decoded(load(torch::kBFloat16), latent_ZFHW);
  const double noise = (got - want).square().mean().item<double>();
  const double decibels = 10 * std::log10(4 / noise);  // pixels are -1..1
  RecordProperty("decibels", std::to_string(decibels));
  EXPECT_GT(decibels, 40);
  EXPECT_GT(noise, 0);  // it did compute in bf16
}

TEST(Vae, RefusesAVideoWhoseSizeTheStrideDoesNotDivide) {
  const auto vae = random_vae(k21, torch::kFloat32);
  EXPECT_THROW(vae.encode(torch::zeros({3, 1, 12, 16})), base::Error);
  EXPECT_THROW(vae.encode_moments(torch::zeros({1, 3, 4, 16, 16})), base::Error);
  EXPECT_THROW(vae.decode(torch::zeros({48, 1, 2, 2}), [](const Tensor&) {}), base::Error);
}

TEST(Patchify, PutsTheColumnBeforeTheRow) {
  // Pixel (row, column) of the one 2x2 patch is 10 * row + column.
  const auto x_BCFHW = torch::tensor({0, 1, 10, 11}).view({1, 1, 1, 2, 2});
  const auto patch_BCFHW = models::patchify(x_BCFHW);
  EXPECT_TRUE(patch_BCFHW.flatten().equal(torch::tensor({0, 10, 1, 11})));
  EXPECT_TRUE(models::unpatchify(patch_BCFHW).equal(x_BCFHW));
}

TEST(DuplicateUp, TakesChannelPairsForEvenAndOddRows) {
  const auto x_BCFHW = torch::tensor({7, 8}).view({1, 2, 1, 1, 1});
  const auto up_BCFHW = models::duplicate_up(x_BCFHW, 1, 1, 2, Stream{});
  EXPECT_TRUE(up_BCFHW.flatten().equal(torch::tensor({7, 7, 8, 8})));
}

TEST(AverageDown, PutsAZeroFrameInFrontOfAnOddChunk) {
  const auto x_BCFHW = torch::ones({1, 1, 1, 2, 2});
  const auto down_BCFHW = models::average_down(x_BCFHW, 2, 2, 2);
  EXPECT_TRUE(down_BCFHW.flatten().equal(torch::tensor({0.f, 1.f})));
}

}  // namespace
