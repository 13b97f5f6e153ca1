// SPDX-License-Identifier: Apache-2.0
// The CLIP image tower of Wan 2.1 image to video. Follows the visual part of wan/modules/clip.py
// (VisionTransformer and CLIPModel.visual).
// B images, L tokens (class token first), D width, S side of the square image
#pragma once

#include <span>
#include <vector>

#include <torch/types.h>

#include "models/layers.h"
#include "models/weights.h"
#include "specs/specs.h"

namespace models {

// Layer norm with statistics, weight and bias in fp32.
struct ClipNorm {
  ClipNorm(Weights& from, std::string_view name, const specs::ClipSpec& spec);
  Tensor operator()(const Tensor& x_BLD, torch::ScalarType result) const;

  Tensor weight, bias;
  double eps;
};

struct ClipAttention {
  ClipAttention(Weights from, const specs::ClipSpec& spec);
  Tensor operator()(const Tensor& x_BLD) const;

  int64_t num_heads;
  Linear to_qkv, proj;
};

struct ClipBlock {
  ClipBlock(Weights from, const specs::ClipSpec& spec);
  Tensor operator()(const Tensor& x_BLD) const;

  ClipNorm norm1, norm2;
  ClipAttention attn;
  Linear mlp_0, mlp_2;
};

struct Clip {
  // Takes visual.* by name. What has no influence on the features is in the released file too and
  // is skipped: the last block, visual.post_norm, visual.head, textual.* and log_scale.
  Clip(const specs::ClipSpec& spec, Weights from);

  // Pictures [3,1,H,W] or [3,H,W] with values in [-1,1], of any sizes -> [B,L,D] fp32, the output
  // of the last block but one.
  Tensor encode(std::span<const Tensor> pictures) const;

  // The same from pixels as preprocess() gives them.
  Tensor encode_pixels(const Tensor& pixels_B3SS) const;

  // Each picture resized to the square whatever its shape (bicubic, without antialiasing, as the
  // official code does), then normalised.
  Tensor preprocess(std::span<const Tensor> pictures) const;

  specs::ClipSpec spec;
  Placement placement;
  Tensor patch_embedding, cls_embedding, pos_embedding;
  ClipNorm pre_norm;
  std::vector<ClipBlock> transformer;
};

}  // namespace models
