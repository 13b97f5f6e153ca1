// SPDX-License-Identifier: Apache-2.0
// B images, L tokens, D width, N heads, H width of a head, S side of the square image, G of the
// grid
#include "models/clip.h"

#include <torch/types.h>

#include "base/text.h"
#include "kernels/ops.h"

namespace models {
namespace {

// Mean and deviation of the training pictures (CLIPModel in wan/modules/clip.py).
constexpr float kMean[] = {0.48145466f, 0.4578275f, 0.40821073f};
constexpr float kStd[] = {0.26862954f, 0.26130258f, 0.27577711f};

Tensor per_channel(const float (&values)[3], torch::Device device) {
  return torch::tensor(at::ArrayRef<float>(values), torch::TensorOptions(device)).view({3, 1, 1});
}

int64_t tokens(const specs::ClipSpec& spec) {
  const int64_t side = spec.image_size / spec.patch_size;
  return side * side + 1;
}

std::vector<ClipBlock> read_blocks(const Weights& from, const specs::ClipSpec& spec) {
  std::vector<ClipBlock> blocks;
  for (int i = 0; i + 1 < spec.num_layers; ++i) {
    blocks.emplace_back(from.in(base::text("transformer.", i)), spec);
  }
  return blocks;
}

void skip_what_has_no_influence(Weights& from, const specs::ClipSpec& spec) {
  from.skip("log_scale");
  from.skip_below("textual");
  auto visual = from.in("visual");
  visual.skip("head");
  visual.skip_below("post_norm");
  visual.skip_below(base::text("transformer.", spec.num_layers - 1));
}

}  // namespace

ClipNorm::ClipNorm(Weights& from, std::string_view name, const specs::ClipSpec& spec)
    : weight(from.in(name).fp32("weight", {spec.dim})),
      bias(from.in(name).fp32("bias", {spec.dim})),
      eps(spec.eps) {}

Tensor ClipNorm::operator()(const Tensor& x_BLD, torch::ScalarType result) const {
  return kernels::layer_norm(x_BLD, weight, bias, eps, result);
}

ClipAttention::ClipAttention(Weights from, const specs::ClipSpec& spec)
    : num_heads(spec.num_heads),
      to_qkv(from, "to_qkv", spec.dim, 3 * spec.dim),
      proj(from, "proj", spec.dim, spec.dim) {}

Tensor ClipAttention::operator()(const Tensor& x_BLD) const {
  const auto qkv_BL3NH = to_qkv(x_BLD).unflatten(-1, {3, num_heads, -1});
  const auto attended_BLNH =
      kernels::attention(qkv_BL3NH.select(2, 0), qkv_BL3NH.select(2, 1), qkv_BL3NH.select(2, 2));
  return proj(attended_BLNH.flatten(2));
}

ClipBlock::ClipBlock(Weights from, const specs::ClipSpec& spec)
    : norm1(from, "norm1", spec),
      norm2(from, "norm2", spec),
      attn(from.in("attn"), spec),
      mlp_0(from, "mlp.0", spec.dim, spec.mlp_dim),
      mlp_2(from, "mlp.2", spec.mlp_dim, spec.dim) {}

// The residual stream is fp32: 257 tokens cost nothing, and bf16 keeps fewer digits than the fp16
// of the official code.
Tensor ClipBlock::operator()(const Tensor& x_BLD) const {
  const auto type = mlp_0.weight.scalar_type();
  const auto y_BLD = x_BLD + attn(norm1(x_BLD, type));
  return y_BLD + mlp_2(torch::gelu(mlp_0(norm2(y_BLD, type))));
}

Clip::Clip(const specs::ClipSpec& spec_, Weights from)
    : spec(spec_),
      placement(from.placement()),
      patch_embedding(from.in("visual.patch_embedding")
                          .matrix("weight", {spec.dim, 3, spec.patch_size, spec.patch_size})),
      cls_embedding(from.in("visual").fp32("cls_embedding", {1, 1, spec.dim})),
      pos_embedding(from.in("visual").fp32("pos_embedding", {1, tokens(spec), spec.dim})),
      pre_norm([&] {
        auto visual = from.in("visual");
        return ClipNorm(visual, "pre_norm", spec);
      }()),
      transformer(read_blocks(from.in("visual"), spec)) {
  skip_what_has_no_influence(from, spec);
}

Tensor Clip::encode(std::span<const Tensor> pictures) const {
  return encode_pixels(preprocess(pictures));
}

Tensor Clip::encode_pixels(const Tensor& pixels_B3SS) const {
  const auto patches_BDGG = torch::conv2d(pixels_B3SS.to(patch_embedding.scalar_type()),
                                          patch_embedding,
                                          /*bias=*/{},
                                          /*stride=*/spec.patch_size);
  const auto patches_BLD = patches_BDGG.flatten(2).transpose(1, 2).to(torch::kFloat32);
  const auto class_BLD = cls_embedding.expand({patches_BLD.size(0), 1, spec.dim});
  auto x_BLD = pre_norm(torch::cat({class_BLD, patches_BLD}, 1) + pos_embedding, torch::kFloat32);
  for (const auto& block : transformer) x_BLD = block(x_BLD);
  return x_BLD;
}

Tensor Clip::preprocess(std::span<const Tensor> pictures) const {
  std::vector<Tensor> squares;
  for (const auto& picture : pictures) {
    const auto picture_CHW = picture.to(placement.device, torch::kFloat32)
                                 .reshape({3, picture.size(-2), picture.size(-1)});
    squares.push_back(at::upsample_bicubic2d(picture_CHW.unsqueeze(0),
                                             {spec.image_size, spec.image_size},
                                             /*align_corners=*/false));
  }
  const auto unit_BCSS = torch::cat(squares) * 0.5 + 0.5;
  return (unit_BCSS - per_channel(kMean, placement.device)) / per_channel(kStd, placement.device);
}

}  // namespace models
