// SPDX-License-Identifier: Apache-2.0
// K directions, P pixels of a block; otherwise as in the header
#include "toyworld/pca.h"

#include <torch/types.h>

#include "toyworld/render.h"
#include "toyworld/state.h"
#include "toyworld/world.h"

namespace toyworld {
namespace {

constexpr int64_t kChannels = 16;
constexpr int64_t kBlock = 8;
constexpr int64_t kGroup = 4;  // frames per latent frame after the first
constexpr uint64_t kPcaStream = 100;

// [B,C,F,H,W] to one row per block [B, F/frames, H/8, W/8, C*frames*8*8].
Tensor blocks_of(const Tensor& clip_BCFHW, int64_t frames) {
  const auto size = clip_BCFHW.sizes();
  return clip_BCFHW
      .reshape({size[0],
                3,
                size[2] / frames,
                frames,
                size[3] / kBlock,
                kBlock,
                size[4] / kBlock,
                kBlock})
      .permute({0, 2, 4, 6, 1, 3, 5, 7})
      .reshape({size[0], size[2] / frames, size[3] / kBlock, size[4] / kBlock, -1});
}

Tensor from_blocks(const Tensor& blocks_BFHWP, int64_t frames) {
  const auto size = blocks_BFHWP.sizes();
  return blocks_BFHWP.reshape({size[0], size[1], size[2], size[3], 3, frames, kBlock, kBlock})
      .permute({0, 4, 1, 5, 2, 6, 3, 7})
      .reshape({size[0], 3, size[1] * frames, size[2] * kBlock, size[3] * kBlock});
}

struct Covariances {
  Tensor first_PP, later_PP, mean;
};

Covariances measure(uint64_t seed, int clips) {
  constexpr int kFrames = 33;
  const auto options = torch::dtype(torch::kFloat64);
  Covariances sums = {torch::zeros({192, 192}, options), torch::zeros({768, 768}, options), {}};
  sums.mean = torch::zeros({3}, options);
  for (int i = 0; i < clips; ++i) {
    Random random(seed, kPcaStream, static_cast<uint64_t>(i));
    const Concept concept_ = sample_concept(random, Split::training);
    const auto clip = render(make_scene(concept_, kFrames, random), kFrames).unsqueeze(0);
    sums.mean += clip.mean({0, 2, 3, 4}).to(torch::kFloat64) / clips;
    const auto first = blocks_of(clip.slice(2, 0, 1), 1).flatten(0, 3);
    const auto later = blocks_of(clip.slice(2, 1), kGroup).flatten(0, 3);
    sums.first_PP += torch::mm(first.t(), first) / (first.size(0) * clips);
    sums.later_PP += torch::mm(later.t(), later) / (later.size(0) * clips);
  }
  const auto mean_of = [&](int64_t each) { return sums.mean.repeat_interleave(each); };
  sums.first_PP -= torch::outer(mean_of(64), mean_of(64));
  sums.later_PP -= torch::outer(mean_of(256), mean_of(256));
  return sums;
}

// Rows: the directions of largest variance, largest first.
Tensor leading_directions(const Tensor& covariance_PP, Tensor* variances = nullptr) {
  const auto [values, vectors] = torch::linalg_eigh(covariance_PP);
  if (variances != nullptr) *variances = values.flip(0).slice(0, 0, kChannels);
  return vectors.t().flip(0).slice(0, 0, kChannels).contiguous();
}

// Turns the later frames' directions inside their own span so that a picture that stands still has
// (nearly) the same latents in every frame: orthogonal Procrustes against the first frame's basis.
Tensor aligned(const Tensor& later_KP, const Tensor& first_KP) {
  const auto repeated_KP = first_KP.reshape({kChannels, 3, 1, 64})
                               .expand({kChannels, 3, kGroup, 64})
                               .reshape({kChannels, -1}) /
                           2;
  const auto [u, s, v] = torch::linalg_svd(torch::mm(repeated_KP, later_KP.t()), false);
  return torch::mm(torch::mm(u, v), later_KP);
}

}  // namespace

Pca fit_pca(uint64_t seed, int clips, double power) {
  const auto sums = measure(seed, clips);
  Tensor variances;
  const auto first = leading_directions(sums.first_PP, &variances);
  const auto later = aligned(leading_directions(sums.later_PP), first);
  const auto spread = (variances / variances[0]).pow(power);
  const auto fp32 = [](const Tensor& t) { return t.to(torch::kFloat32).contiguous(); };
  return {fp32(first), fp32(later), fp32(sums.mean), fp32(spread / variances.sqrt())};
}

Tensor Pca::encode(const Tensor& clip_BCFHW) const {
  const auto centred = clip_BCFHW - mean.reshape({1, 3, 1, 1, 1});
  auto code_BFHWC = blocks_of(centred.slice(2, 0, 1), 1).matmul(first_basis.t());
  if (clip_BCFHW.size(2) > 1) {
    // A block of four frames has twice the length of one with the same content.
    const auto later = blocks_of(centred.slice(2, 1), kGroup).matmul(later_basis.t()) / 2;
    code_BFHWC = torch::cat({code_BFHWC, later}, 1);
  }
  return (code_BFHWC * scale).permute({0, 4, 1, 2, 3}).contiguous();
}

Tensor Pca::decode(const Tensor& latent_BCFHW) const {
  const auto code_BFHWC = latent_BCFHW.permute({0, 2, 3, 4, 1}) / scale;
  auto clip = from_blocks(code_BFHWC.slice(1, 0, 1).matmul(first_basis), 1);
  if (code_BFHWC.size(1) > 1) {
    const auto later = from_blocks(code_BFHWC.slice(1, 1).matmul(later_basis) * 2, kGroup);
    clip = torch::cat({clip, later}, 2);
  }
  return clip + mean.reshape({1, 3, 1, 1, 1});
}

Pca Pca::to(torch::Device device) const {
  return {first_basis.to(device), later_basis.to(device), mean.to(device), scale.to(device)};
}

void save_pca(const Pca& pca, const std::filesystem::path& file) {
  save_tensors(file,
               {{"first_basis", pca.first_basis},
                {"later_basis", pca.later_basis},
                {"mean", pca.mean},
                {"scale", pca.scale}});
}

Pca load_pca(const std::filesystem::path& file) {
  const auto tensors = load_tensors(file);
  return {tensors.at("first_basis"),
          tensors.at("later_basis"),
          tensors.at("mean"),
          tensors.at("scale")};
}

}  // namespace toyworld
