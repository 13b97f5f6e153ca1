// SPDX-License-Identifier: Apache-2.0
#include "pipelines/memory_plan.h"

#include <gtest/gtest.h>
#include <malloc.h>
#include <torch/utils.h>

#include "base/error.h"
#include "base/machine.h"
#include "models/dit.h"
#include "models/vae.h"
#include "specs/cost.h"
#include "weights/inventory.h"

namespace {

using pipelines::MemoryRequest;

constexpr uint64_t kGiB = uint64_t{1} << 30;

specs::ModelSpec model(std::string_view name) {
  return *specs::find_model(name);
}

MemoryRequest request(std::string_view name, specs::Size size, int frames) {
  return {.model = model(name), .size = size, .frames = frames};
}

uint64_t need_of(const pipelines::MemoryPlan& plan, std::string_view part) {
  for (const auto& need : plan.parts) {
    if (need.part == part) return need.weights;
  }
  ADD_FAILURE() << "no " << part;
  return 0;
}

TEST(MemoryPlan, CountsTheWeightsOfTheOfficialModels) {
  // 14.3e9 parameters in bf16 and the time projection's 0.2e9 in fp32.
  const auto a14b = pipelines::plan_memory(request("wan2.2-t2v-a14b", {832, 480}, 81));
  EXPECT_EQ(a14b.parts.size(), 4u);
  EXPECT_NEAR(need_of(a14b, "high-noise network") / 1e9, 28.9, 0.3);
  EXPECT_EQ(need_of(a14b, "low-noise network"), need_of(a14b, "high-noise network"));
  // 5.7e9 parameters, of which 1.05e9 are the embedding that stays in the file.
  EXPECT_NEAR(need_of(a14b, "text encoder") / 1e9, 9.3, 0.2);
  const auto small = pipelines::plan_memory(request("wan2.1-t2v-1.3b", {832, 480}, 81));
  EXPECT_EQ(small.parts.size(), 3u);
  EXPECT_NEAR(need_of(small, "network") / 1e9, 2.87, 0.1);
}

TEST(MemoryPlan, NeedsTheLargestPartAndTheProgramAtOneTime) {
  const auto plan = pipelines::plan_memory(request("wan2.2-t2v-a14b", {832, 480}, 81));
  uint64_t sum = 0;
  for (const auto& part : plan.parts) sum += part.total();
  EXPECT_EQ(plan.needed(), plan.largest().total() + plan.program);
  EXPECT_LT(plan.needed(), sum / 2);
}

TEST(MemoryPlan, NeedsAllWeightsAtOneTimeWherePartsAreKept) {
  const auto plan = pipelines::plan_memory(request("wan2.2-t2v-a14b", {832, 480}, 81));
  uint64_t weights = 0, working = 0;
  for (const auto& part : plan.parts) {
    weights += part.weights;
    working = std::max(working, part.working);
  }
  EXPECT_EQ(plan.weights(), weights);
  EXPECT_EQ(plan.needed_together(), weights + working + plan.program);
}

TEST(MemoryPlan, RefusesWithNumbersAndWhatWouldFit) {
  const auto asked = request("wan2.2-t2v-a14b", {1280, 720}, 81);
  const auto needed = pipelines::plan_memory(asked).needed();
  EXPECT_NO_THROW(pipelines::check_fits(asked, needed, "memory"));
  try {
    pipelines::check_fits(asked, needed - kGiB / 2, "memory");
    FAIL() << "accepted";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.fault(), base::Fault::exhausted);
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with("not enough memory: ")) << message;
    EXPECT_NE(message.find("what would fit: --frames "), std::string::npos) << message;
    EXPECT_NE(message.find(", or --size "), std::string::npos) << message;
  }
}

TEST(MemoryPlan, OffersTheLargestLengthAndSizeThatFit) {
  const auto asked = request("wan2.2-t2v-a14b", {1280, 720}, 81);
  auto shorter = asked;
  shorter.frames = 41;
  auto smaller = asked;
  smaller.size = {640, 352};
  const auto available = pipelines::plan_memory(shorter).needed();
  const auto changes = pipelines::what_would_fit(asked, available);
  ASSERT_FALSE(changes.empty());
  EXPECT_EQ(changes[0], "--frames 41");
  const auto offered =
      pipelines::what_would_fit(asked, pipelines::plan_memory(smaller).needed()).back();
  EXPECT_EQ(offered, "--size 640x352");
}

TEST(MemoryPlan, OffersBf16WhereThatIsEnough) {
  auto asked = request("wan2.2-t2v-a14b", {832, 480}, 81);
  const auto half = pipelines::plan_memory(asked).needed();
  asked.bytes_per_value = 4;
  EXPECT_EQ(pipelines::what_would_fit(asked, half).back(), "--dtype bf16");
}

TEST(MemoryPlan, SaysThatNothingHelpsWhereTheWeightsAloneAreTooMuch) {
  const auto asked = request("wan2.2-t2v-a14b", {832, 480}, 81);
  EXPECT_TRUE(pipelines::what_would_fit(asked, 20 * kGiB).empty());
  try {
    pipelines::check_fits(asked, 20 * kGiB, "memory of cuda:0");
    FAIL() << "accepted";
  } catch (const base::Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("no smaller size"), std::string::npos) << message;
    EXPECT_NE(message.find("another model would: wan2.2-ti2v-5b"), std::string::npos) << message;
  }
}

TEST(MemoryPlan, CountsThePicturesOfTheFileWhereTheModelHasASizeOfItsOwn) {
  auto asked = request("wan2.1-t2v-tiny", {112, 64}, 81);
  asked.output = {832, 480};
  const auto usual = pipelines::plan_memory(asked).needed();
  asked.output = {8192, 4096};
  EXPECT_GT(pipelines::plan_memory(asked).needed(), usual + kGiB);
  const auto changes = pipelines::what_would_fit(asked, usual);
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].find("--size "), 0u) << changes[0];
}

// ── the formulas beside the truth ───────────────────────────────────────────────────────────────

template <typename Spec>
models::Weights random_weights(const Spec& spec, torch::ScalarType type = torch::kFloat32) {
  models::NamedTensors tensors;
  for (const auto& tensor : weights::tensors_of(spec)) {
    tensors[tensor.name] = torch::randn(tensor.shape) * 0.02;
  }
  return {std::move(tensors), "random", {torch::kCPU, type}};
}

// The most memory that `work` holds beyond what was held before. Freed blocks go back to the system
// at once, as in the program (cli/zoetrope_engine/freed_memory.h): kept ones would not count again.
template <typename Work>
uint64_t measured(Work work) {
  ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
  if (!base::reset_peak_memory()) return 0;
  const auto before = base::peak_memory();
  work();
  return base::peak_memory() - before;
}

// A plan must cover what is taken, and not by so much that it refuses what would fit.
void expect_covers(uint64_t planned, uint64_t taken) {
  EXPECT_GE(planned, taken);
  EXPECT_LE(planned, 2 * taken);
}

TEST(MemoryPlan, CoversWhatANetworkTakes) {
  torch::InferenceMode guard;
  MemoryRequest asked{.model = model("wan2.1-t2v-tiny"),
                      .size = {512, 320},
                      .frames = 21,
                      .text_rows = 20,
                      .is_guided = false,
                      .bytes_per_value = 4};
  asked.model.dit.dim = 768;
  asked.model.dit.num_heads = 6;
  asked.model.dit.ffn_dim = 3072;
  asked.model.dit.num_layers = 1;
  auto weights = random_weights(asked.model.dit);
  const models::Dit dit(asked.model.dit, weights);
  const auto context = dit.prepare(torch::randn({1, 20, asked.model.dit.text_dim}), {20});
  const auto taken = measured([&] {
    dit(torch::randn({1, 16, 6, 40, 64}), torch::full({1}, 500.0F), context);
  });
  if (taken == 0) GTEST_SKIP() << "this kernel does not let a process reset its peak memory";
  const auto plan = pipelines::plan_memory(asked);
  expect_covers(plan.parts[1].working, taken);
}

void expect_covers_decoding(specs::ModelSpec model, specs::Size size, torch::ScalarType type) {
  torch::InferenceMode guard;
  model.vae.decoder_dim = 48;  // both: large enough to count, small enough for a test
  const models::Vae vae(model.vae, random_weights(model.vae, type));
  const auto latent = specs::latent_shape(model.vae, size, 9);
  const auto latent_CFHW =
      torch::randn({model.vae.z_dim, latent.frames, latent.height, latent.width});
  const auto taken = measured([&] { vae.decode(latent_CFHW, [](const auto&) {}); });
  if (taken == 0) GTEST_SKIP() << "this kernel does not let a process reset its peak memory";
  const int width = type == torch::kFloat32 ? 4 : 2;
  SCOPED_TRACE(testing::Message() << model.name << ", " << width << " bytes a value");
  const auto plan =
      pipelines::plan_memory({.model = model, .size = size, .frames = 9, .bytes_per_value = width});
  expect_covers(plan.parts.back().working, taken);
}

TEST(MemoryPlan, CoversWhatADecoderTakes) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    expect_covers_decoding(model("wan2.1-t2v-tiny"), {256, 192}, type);
    expect_covers_decoding(model("wan2.2-ti2v-5b"), {512, 320}, type);
  }
}

}  // namespace
