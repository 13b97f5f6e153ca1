// SPDX-License-Identifier: Apache-2.0
// From an input image to what the networks are given. Follows wan/image2video.py,
// wan/textimage2video.py and best_output_size in wan/utils/utils.py.
// C channels, F frames, T latent frames, H W size, h w latent size
#pragma once

#include <cstdint>

#include <torch/types.h>

#include "models/vae.h"
#include "specs/specs.h"

namespace pipelines {

using torch::Tensor;

// ── 36-channel models (Wan 2.1 and 2.2 I2V) ─────────────────────────────────────────────────────

// The video's size for an image: its shape, at most `max_area` pixels, multiples of 16. The double
// arithmetic is the reference's: an 832x480 image with area 480*832 gives 832x464. Throws
// Error(invalid) where a side would be 0.
specs::Size i2v_size(specs::Size image, int64_t max_area);

// uint8 [H,W,3] -> fp32 [3,H,W] in about [-1,1] at `size`: bicubic without antialiasing, straight
// to the size; the overshoot stays.
Tensor i2v_image(const Tensor& image_HWC, specs::Size size);

// What is joined behind the channels of the latent.
struct I2vCondition {
  Tensor mask_4Thw;    // 1 in latent frame 0
  Tensor latent_CThw;  // the normalised latent of the image followed by zero frames
  Tensor y() const { return torch::cat({mask_4Thw, latent_CThw}); }
};

// `frames` is 4n+1; resized_CHW comes from i2v_image.
I2vCondition i2v_condition(const models::Vae& vae, const Tensor& resized_CHW, int64_t frames);

// ── per-token timesteps (Wan 2.2 TI2V-5B) ───────────────────────────────────────────────────────

// How an image is fitted: resized to cover the video, then cropped in the middle.
struct Ti2vFit {
  specs::Size video, resized;
  int left = 0, top = 0;  // of the crop
  bool operator==(const Ti2vFit&) const = default;
};

// Multiples of 32, at most `max_area` pixels; of two candidates the one nearer to the image's
// shape. Throws Error(invalid) where a side would be 0.
Ti2vFit ti2v_fit(specs::Size image, int64_t max_area);

// uint8 [H,W,3] -> fp32 [3,H,W] in [-1,1] at fit.video: Pillow's Lanczos, exactly.
Tensor ti2v_image(const Tensor& image_HWC, const Ti2vFit& fit);

// The normalised latent [C,1,h,w] of the one frame: latent frame 0 of the video.
Tensor ti2v_latent(const models::Vae& vae, const Tensor& image_CHW);

// Pillow's Lanczos resampling of 8-bit channels, in integers. uint8 [H,W,C] -> uint8.
Tensor lanczos(const Tensor& image_HWC, specs::Size size);

}  // namespace pipelines
