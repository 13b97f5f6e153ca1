// SPDX-License-Identifier: Apache-2.0
// B batch, L tokens (queries), S tokens (keys), D width, N heads, H width of a head, R distances
#include "models/umt5.h"

#include <limits>

#include <torch/types.h>

#include "base/error.h"
#include "base/text.h"

namespace models {
namespace {

constexpr double kEps = 1e-6;         // T5LayerNorm in wan/modules/t5.py
constexpr double kMaxDistance = 128;  // T5RelativeEmbedding in wan/modules/t5.py
constexpr auto kNoBias = Linear::Bias::no;

std::vector<Umt5Block> read_blocks(const Weights& from, const specs::Umt5Spec& spec) {
  std::vector<Umt5Block> blocks;
  blocks.reserve(static_cast<size_t>(spec.num_layers));
  for (int i = 0; i < spec.num_layers; ++i) {
    blocks.emplace_back(from.in(base::text("blocks.", i)), spec);
  }
  return blocks;
}

void check_ids(const Tensor& ids, int64_t vocab) {
  if (ids.numel() == 0) throw base::Error(base::Fault::invalid, "umt5: no token to encode");
  const auto lowest = ids.min().item<int64_t>();
  const auto highest = ids.max().item<int64_t>();
  if (lowest >= 0 && highest < vocab) return;
  throw base::Error(base::Fault::invalid,
                    base::text("umt5: token id ",
                               lowest < 0 ? lowest : highest,
                               " is outside the vocabulary of ",
                               vocab,
                               "; the tokenizer is of another model"));
}

Tensor forward(const Umt5& umt5, const Tensor& ids_BL, const Tensor& mask_BL) {
  const auto& table = umt5.token_embedding;
  const auto rows_BLD = torch::embedding(table, ids_BL.to(table.device()));
  auto x_BLD = rows_BLD.to(umt5.placement.device, umt5.placement.matrices);
  const auto length = ids_BL.size(1);
  const auto distance_R = torch::arange(
      1 - length, length, torch::TensorOptions(torch::kInt64).device(umt5.placement.device));
  const auto buckets_R = umt5_buckets(distance_R, umt5.spec.num_buckets);
  for (const auto& block : umt5.blocks) x_BLD = block(x_BLD, buckets_R, mask_BL);
  return umt5.norm(x_BLD);
}

}  // namespace

Umt5Norm::Umt5Norm(Weights& from, std::string_view name, int64_t dim)
    : weight(from.in(name).fp32("weight", {dim})), type(from.placement().matrices) {}

Tensor Umt5Norm::operator()(const Tensor& x_BLD) const {
  const auto x = x_BLD.to(torch::kFloat32);
  const auto normed = x * torch::rsqrt(x.square().mean(-1, /*keepdim=*/true) + kEps);
  return (normed.to(type) * weight).to(type);
}

Umt5Attention::Umt5Attention(Weights from, const specs::Umt5Spec& spec)
    : num_heads(spec.num_heads),
      q(from, "q", spec.dim, spec.dim_attn, kNoBias),
      k(from, "k", spec.dim, spec.dim_attn, kNoBias),
      v(from, "v", spec.dim, spec.dim_attn, kNoBias),
      o(from, "o", spec.dim_attn, spec.dim, kNoBias) {}

Tensor Umt5Attention::operator()(const Tensor& x_BLD, const Tensor& bias_BNLS) const {
  const auto heads = [&](const Tensor& y_BLD) {
    return y_BLD.unflatten(-1, {num_heads, -1}).transpose(1, 2);
  };
  const auto q_BNLH = heads(q(x_BLD));
  const auto k_BNSH = heads(k(x_BLD));
  const auto v_BNSH = heads(v(x_BLD));
  const auto logits_BNLS = torch::matmul(q_BNLH, k_BNSH.transpose(-2, -1)) + bias_BNLS;
  const auto attention_BNLS = torch::softmax(logits_BNLS, -1).to(v_BNSH.scalar_type());
  return o(torch::matmul(attention_BNLS, v_BNSH).transpose(1, 2).flatten(2));
}

Umt5FeedForward::Umt5FeedForward(Weights from, const specs::Umt5Spec& spec)
    : gate(from, "gate.0", spec.dim, spec.dim_ffn, kNoBias),
      fc1(from, "fc1", spec.dim, spec.dim_ffn, kNoBias),
      fc2(from, "fc2", spec.dim_ffn, spec.dim, kNoBias) {}

Tensor Umt5FeedForward::operator()(const Tensor& x_BLD) const {
  return fc2(fc1(x_BLD) * torch::gelu(gate(x_BLD), "tanh"));
}

Umt5Block::Umt5Block(Weights from, const specs::Umt5Spec& spec)
    : norm1(from, "norm1", spec.dim),
      norm2(from, "norm2", spec.dim),
      attn(from.in("attn"), spec),
      ffn(from.in("ffn"), spec),
      pos_embedding(
          from.in("pos_embedding.embedding").fp32("weight", {spec.num_buckets, spec.num_heads})) {}

Tensor Umt5Block::operator()(const Tensor& x_BLD,
                             const Tensor& buckets_R,
                             const Tensor& mask_BL) const {
  const auto y_BLD = x_BLD + attn(norm1(x_BLD), attention_bias(buckets_R, mask_BL));
  return y_BLD + ffn(norm2(y_BLD));
}

Tensor Umt5Block::attention_bias(const Tensor& buckets_R, const Tensor& mask_BL) const {
  const auto length = (buckets_R.size(0) + 1) / 2;
  // Row L - 1 - q of the windows holds the distances of query q to all keys.
  const auto windows_LNS = torch::embedding(pos_embedding, buckets_R).unfold(0, length, 1).flip(0);
  auto bias_BNLS = windows_LNS.transpose(0, 1).unsqueeze(0);
  if (!mask_BL.defined()) return bias_BNLS;
  const auto padding_BNLS = mask_BL.logical_not().unsqueeze(1).unsqueeze(1);
  return bias_BNLS.masked_fill(padding_BNLS, std::numeric_limits<float>::lowest());
}

Umt5::Umt5(const specs::Umt5Spec& spec_, Weights from)
    : spec(spec_),
      placement(from.placement()),
      token_embedding(from.as_stored("token_embedding.weight", {spec.vocab, spec.dim})),
      blocks(read_blocks(from, spec)),
      norm(from, "norm", spec.dim) {}

Tensor Umt5::encode(const Tensor& ids_L) const {
  check_ids(ids_L, spec.vocab);
  return forward(*this, ids_L.unsqueeze(0), /*mask_BL=*/{}).squeeze(0);
}

Tensor Umt5::encode_batch(const Tensor& ids_BL, const Tensor& mask_BL) const {
  check_ids(ids_BL, spec.vocab);
  const auto mask = mask_BL.to(placement.device);
  const auto context_BLD = forward(*this, ids_BL, mask);
  return context_BLD * mask.unsqueeze(-1).to(context_BLD.scalar_type());
}

Tensor umt5_buckets(const Tensor& distance, int64_t num_buckets) {
  const auto half = num_buckets / 2;
  const auto exact = half / 2;
  const auto n = distance.abs();
  const auto scale = static_cast<double>(half - exact) / std::log(kMaxDistance / exact);
  const auto far =
      (torch::log(n.clamp_min(1).to(torch::kFloat32) / exact) * scale).to(torch::kInt64);
  const auto bucket = torch::where(n < exact, n, (exact + far).clamp_max(half - 1));
  return bucket + (distance > 0).to(torch::kInt64) * half;
}

}  // namespace models
