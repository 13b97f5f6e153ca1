// SPDX-License-Identifier: Apache-2.0
// The autoencoder without its residual branches: shortcuts, resampling and the two ends. While the
// branches are closed, as new_vae leaves them, this is what the whole network computes, at a tenth
// of the cost; training starts with it.
#pragma once

#include "models/vae.h"

namespace toyworld {

using torch::Tensor;

// Shapes as Vae::encode_moments and Vae::decode_raw. Wan 2.1's autoencoder only.
Tensor skeleton_encode(const models::Vae& vae, const Tensor& video_BCFHW);
Tensor skeleton_decode(const models::Vae& vae, const Tensor& latent_BZFHW);

}  // namespace toyworld
