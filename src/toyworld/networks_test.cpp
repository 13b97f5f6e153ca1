// SPDX-License-Identifier: Apache-2.0
// K channels of a head, L tokens, N heads
#include "toyworld/networks.h"

#include <gtest/gtest.h>

#include "kernels/ops.h"
#include "toyworld/skeleton.h"

namespace {

double worst(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

TEST(NewVae, ComputesWhatItsSkeletonDoesWhileTheBranchesAreClosed) {
  torch::manual_seed(3);
  const specs::VaeSpec spec = {specs::VaeKind::vae21, 8, 8, 16};
  const models::Vae vae(
      spec, models::Weights(toyworld::new_vae(spec), "fresh", {torch::kCPU, torch::kFloat32}));
  const torch::NoGradGuard no_grad;
  const auto video_BCFHW = torch::rand({1, 3, 9, 16, 24}) * 2 - 1;
  const auto moments_BMFHW = vae.encode_moments(video_BCFHW);
  EXPECT_GT(moments_BMFHW.std().item<double>(), 0.1);
  EXPECT_LT(worst(moments_BMFHW, toyworld::skeleton_encode(vae, video_BCFHW)), 1e-4);
  const auto raw_BZFHW = torch::randn({1, 16, 3, 2, 3});
  const auto clip_BCFHW = vae.decode_raw(raw_BZFHW);
  EXPECT_GT(clip_BCFHW.std().item<double>(), 0.1);
  EXPECT_LT(worst(clip_BCFHW, toyworld::skeleton_decode(vae, raw_BZFHW)), 1e-4);
}

// Which token every token of a 3x5x5 grid's middle looks at most in a fresh block, without content.
std::vector<int64_t> favourites(const toyworld::NamedTensors& dit, int block, int64_t heads) {
  const auto part = [&](const char* name) {
    return dit.at("blocks." + std::to_string(block) + ".self_attn." + name).detach();
  };
  const auto dim = part("q.bias").size(0);
  const auto rope = kernels::rope_3d(3, 5, 5, dim / heads, torch::kCPU);
  const auto of = [&](const char* bias, const char* norm) {
    const auto rows_BLD = part(bias).expand({1, 75, dim}).contiguous();
    return kernels::rms_norm_rope(rows_BLD, part(norm), 1e-6, heads, rope).squeeze(0);
  };
  const auto q_NK = of("q.bias", "norm_q.weight")[37];  // frame 1, row 2, column 2
  const auto k_LNK = of("k.bias", "norm_k.weight");
  const auto best_N = (k_LNK * q_NK).sum(-1).argmax(0);
  return {best_N.data_ptr<int64_t>(), best_N.data_ptr<int64_t>() + heads};
}

TEST(NewDit, LooksInADirectionOfItsOwnWithEveryHeadOfItsOddBlocks) {
  torch::manual_seed(3);
  const auto& spec = specs::find_model("wan2.1-t2v-tiny")->dit;
  ASSERT_EQ(spec.num_heads, 4);
  const auto dit = toyworld::new_dit(spec);
  constexpr int64_t kFrame = 25, kRow = 5, kHere = 37;
  EXPECT_EQ(favourites(dit, 1, spec.num_heads),
            (std::vector{kHere - 1, kHere + 1, kHere - kRow, kHere + kRow}));
  EXPECT_EQ(favourites(dit, 3, spec.num_heads),
            (std::vector{kHere - kFrame, kHere + kFrame, kHere - kRow - 1, kHere + kRow + 1}));
}

}  // namespace
