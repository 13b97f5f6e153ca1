// SPDX-License-Identifier: Apache-2.0
#include "pipelines/text_to_video.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "base/error.h"

namespace {

using pipelines::Phase;
using pipelines::Progress;
using pipelines::Residency;
using pipelines::TextToVideo;
using pipelines::TextToVideoRequest;
using torch::Tensor;

constexpr specs::Size kSizes[] = {{48, 32}};

// Two experts with random weights, small enough for a test.
specs::ModelSpec small_spec() {
  return {
      .name = "small",
      .dit = {.dim = 24,
              .ffn_dim = 32,
              .num_heads = 2,
              .num_layers = 1,
              .freq_dim = 16,
              .text_dim = 16,
              .text_len = 8},
      .vae = {specs::VaeKind::vae21, 2, 2, 16},
      .umt5 =
          {.vocab = 32, .dim = 16, .dim_attn = 16, .dim_ffn = 16, .num_heads = 2, .num_layers = 1},
      .steps = 4,
      .shift = 5,
      .guidance_high = 4,
      .guidance_low = 3,
      .boundary = 0.875,
      .frames = 5,
      .sizes = kSizes};
}

// Which parts were loaded, in order.
using Loads = std::vector<std::string>;

models::Weights random_weights(uint64_t seed) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return {[generator](const std::string&, torch::IntArrayRef shape) {
            return torch::randn(shape, generator) * 0.1;
          },
          {.matrices = torch::kFloat32}};
}

TextToVideo make(const specs::ModelSpec& spec, Loads& loads, Residency residency = Residency::all) {
  return {spec,
          {.umt5 =
               [&loads, spec] {
                 loads.emplace_back("umt5");
                 return models::Umt5(spec.umt5, random_weights(1));
               },
           .high_noise =
               [&loads, spec] {
                 loads.emplace_back("high");
                 return models::Dit(spec.dit, random_weights(2));
               },
           .low_noise =
               [&loads, spec] {
                 loads.emplace_back("low");
                 return models::Dit(spec.dit, random_weights(3));
               },
           .vae =
               [&loads, spec] {
                 loads.emplace_back("vae");
                 return models::Vae(spec.vae, random_weights(4));
               }},
          residency};
}

TextToVideoRequest some_request() {
  auto request = pipelines::defaults(small_spec());
  request.prompt = {5, 6, 1};
  request.negative_prompt = {7, 1};
  request.seed = 42;
  return request;
}

TEST(TextToVideo, GivesTheSameLatentForTheSameSeedOnly) {
  Loads loads;
  auto model = make(small_spec(), loads);
  auto request = some_request();
  const auto once = model.denoise(request, {});
  EXPECT_EQ(once.sizes(), (torch::IntArrayRef{16, 2, 4, 6}));
  EXPECT_TRUE(once.isfinite().all().item<bool>());
  EXPECT_TRUE(model.denoise(request, {}).equal(once));
  request.seed = 43;
  EXPECT_FALSE(model.denoise(request, {}).allclose(once));
}

TEST(TextToVideo, KeepsPartsLoadedWhereTheyFit) {
  Loads loads;
  auto model = make(small_spec(), loads);
  model.denoise(some_request(), {});
  model.denoise(some_request(), {});
  EXPECT_EQ(loads, (Loads{"umt5", "high", "low"}));
}

TEST(TextToVideo, LoadsOnePartAtATimeWithTheSameResult) {
  Loads loads;
  auto kept = make(small_spec(), loads);
  const auto wanted = kept.denoise(some_request(), {});
  loads.clear();
  auto model = make(small_spec(), loads, Residency::one_at_a_time);
  EXPECT_TRUE(model.denoise(some_request(), {}).equal(wanted));
  EXPECT_EQ(loads, (Loads{"umt5", "high", "low"}));
  model.denoise(some_request(), {});
  EXPECT_EQ(loads, (Loads{"umt5", "high", "low", "umt5", "high", "low"}));
}

TEST(TextToVideo, NeedsNoNegativePromptWithoutGuidance) {
  Loads loads;
  auto model = make(small_spec(), loads);
  auto request = some_request();
  request.negative_prompt.clear();
  EXPECT_THROW(model.denoise(request, {}), base::Error);
  request.guidance_high = request.guidance_low = 1;
  EXPECT_TRUE(model.denoise(request, {}).isfinite().all().item<bool>());
}

TEST(TextToVideo, StopsWhereProgressSaysSo) {
  Loads loads;
  auto model = make(small_spec(), loads);
  int last = -1;
  const Progress progress{[&](Phase phase, int done, int total) {
    if (phase != Phase::denoise) return;
    EXPECT_EQ(total, 4);
    EXPECT_EQ(done, last + 1);
    last = done;
    if (done == 2) throw base::Cancelled();
  }};
  EXPECT_THROW(model.denoise(some_request(), progress), base::Cancelled);
  EXPECT_EQ(last, 2);
}

TEST(TextToVideo, DecodesGroupsOfFramesInOrder) {
  Loads loads;
  auto model = make(small_spec(), loads);
  std::vector<Tensor> groups;
  std::vector<int> done;
  const Progress progress{[&](Phase, int frames, int total) {
    EXPECT_EQ(total, 5);
    done.push_back(frames);
  }};
  model.decode(torch::randn({16, 2, 4, 6}), progress, [&](const Tensor& frames_CFHW) {
    EXPECT_LE(frames_CFHW.abs().max().item<double>(), 1);
    groups.push_back(frames_CFHW);
  });
  EXPECT_EQ(torch::cat(groups, 1).sizes(), (torch::IntArrayRef{3, 5, 32, 48}));
  EXPECT_EQ(done.front(), 0);
  EXPECT_EQ(done.back(), 5);
  EXPECT_GT(done.size(), 2U);
}

TEST(TextToVideo, NamesEveryMistakeAtOnceBeforeLoadingAnything) {
  Loads loads;
  auto model = make(small_spec(), loads);
  auto request = some_request();
  request.size = {50, 32};
  request.frames = 6;
  request.steps = 0;
  request.shift = std::nan("");
  request.guidance_low = std::numeric_limits<double>::infinity();
  request.prompt.assign(9, 1);
  try {
    model.denoise(request, {});
    FAIL() << "accepted";
  } catch (const base::Error& error) {
    for (const auto* name : {"size: 50x32", "frames: 6", "steps: 0", "shift", "guidance_low"}) {
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << name;
    }
    EXPECT_NE(std::string(error.what()).find("prompt: 9 tokens"), std::string::npos);
  }
  EXPECT_TRUE(loads.empty());
}

TEST(RenderSize, IsTheAskedOneUnlessTheModelHasANativeSize) {
  auto spec = small_spec();
  EXPECT_EQ(pipelines::render_size(spec, {832, 480}), (specs::Size{832, 480}));
  spec.native = {112, 64};
  EXPECT_EQ(pipelines::render_size(spec, {832, 480}), (specs::Size{112, 64}));
  EXPECT_EQ(pipelines::render_size(spec, {480, 832}), (specs::Size{64, 112}));
  EXPECT_EQ(pipelines::render_size(spec, {512, 512}), (specs::Size{80, 80}));
  EXPECT_EQ(pipelines::render_size(spec, {4000, 20}), (specs::Size{1200, 16}));
}

TEST(Noise, UsesTheLow32BitsOfTheSeedOnTheCpu) {
  pipelines::Noise low(5, torch::kCPU);
  pipelines::Noise high((uint64_t{1} << 40) + 5, torch::kCPU);
  const auto drawn = low.draw({16, 3});
  EXPECT_TRUE(drawn.equal(high.draw({16, 3})));
  EXPECT_FALSE(drawn.equal(low.draw({16, 3})));
}

}  // namespace
