// SPDX-License-Identifier: Apache-2.0
// A linear code for the toy world's clips with the shape of the video autoencoder's latents: blocks
// of 8x8 pixels of the first frame and of 4x8x8 of the later ones, 16 numbers each. It is the
// autoencoder's training target, so the transformer can be trained before the autoencoder is done.
// B batch, C channels (3 pixel, 16 latent), F frames, H rows, W columns
#pragma once

#include <filesystem>

#include <torch/types.h>

namespace toyworld {

using torch::Tensor;

struct Pca {
  // [16, 192] and [16, 768]: rows are the code's directions, scaled so that `encode` gives latents
  // of the wanted spread; `decode` divides it out again.
  Tensor first_basis, later_basis;  // orthonormal rows
  Tensor mean;                      // [3] colour subtracted before coding
  Tensor scale;                     // [16] factor from coefficients to latents

  // [B,3,F,H,W] in -1..1 to [B,16,1+(F-1)/4,H/8,W/8], fp32.
  Tensor encode(const Tensor& clip_BCFHW) const;
  // The inverse, as far as 16 numbers per block allow.
  Tensor decode(const Tensor& latent_BCFHW) const;

  Pca to(torch::Device device) const;
};

// Fits the code to `clips` random training clips of 33 frames. Channel k gets the standard
// deviation (variance_k / variance_1)^`power` of its share of the picture: fine detail weighs less.
Pca fit_pca(uint64_t seed, int clips, double power);

void save_pca(const Pca& pca, const std::filesystem::path& file);
Pca load_pca(const std::filesystem::path& file);

}  // namespace toyworld
