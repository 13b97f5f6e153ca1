// SPDX-License-Identifier: Apache-2.0
// Follows wan/modules/model.py; see dit.h for the letters of the shapes.
#include "models/dit.h"

#include "base/error.h"
#include "base/text.h"

namespace models {
namespace {

using base::text;

constexpr double kClipNormEps = 1e-5;  // torch's default, which MLPProj uses

[[noreturn]] void refuse(const std::string& why) {
  throw base::Error(base::Fault::invalid, why);
}

Tensor heads(const Tensor& x_BLD, int64_t num_heads) {
  return x_BLD.unflatten(-1, {num_heads, -1});
}

std::vector<Block> make_blocks(const specs::DitSpec& spec, const Weights& w) {
  std::vector<Block> blocks;
  blocks.reserve(spec.num_layers);
  for (int i = 0; i < spec.num_layers; ++i) blocks.emplace_back(spec, w.in(text("blocks.", i)));
  return blocks;
}

Linear fp32_linear(Weights& w, std::string_view name, int64_t in, int64_t out) {
  return {w, name, in, out, Linear::Bias::yes, Linear::Precision::fp32};
}

}  // namespace

TextPadding exact_padding(torch::Device device) {
  return device.is_cuda() ? TextPadding::written_out : TextPadding::collapsed;
}

Tensor sinusoidal_embedding(const Tensor& t_U, int64_t dim) {
  const int64_t half = dim / 2;
  const auto options = torch::TensorOptions().dtype(torch::kFloat64).device(t_U.device());
  const auto frequency = torch::pow(10000.0, torch::arange(half, options) / -double(half));
  const auto angle = torch::outer(t_U.to(torch::kFloat64), frequency);
  return torch::cat({angle.cos(), angle.sin()}, 1).to(torch::kFloat32);
}

LayerNorm::LayerNorm(Weights w, int64_t dim)
    : weight(w.fp32("weight", {dim})), bias(w.fp32("bias", {dim})) {}

// ── attention ───────────────────────────────────────────────────────────────────────────────────

SelfAttention::SelfAttention(const specs::DitSpec& spec, Weights w)
    : q(w, "q", spec.dim, spec.dim),
      k(w, "k", spec.dim, spec.dim),
      v(w, "v", spec.dim, spec.dim),
      o(w, "o", spec.dim, spec.dim),
      norm_q(w.fp32("norm_q.weight", {spec.dim})),
      norm_k(w.fp32("norm_k.weight", {spec.dim})),
      num_heads(spec.num_heads),
      eps(spec.eps) {}

Tensor SelfAttention::operator()(const Tensor& x_BLD, const kernels::Rope& rope) const {
  const auto q_BLNK = kernels::rms_norm_rope(q(x_BLD), norm_q, eps, num_heads, rope);
  const auto k_BLNK = kernels::rms_norm_rope(k(x_BLD), norm_k, eps, num_heads, rope);
  const auto v_BLNK = heads(v(x_BLD), num_heads);
  return o(kernels::attention(q_BLNK, k_BLNK, v_BLNK).flatten(2));
}

ImageKeysValues::ImageKeysValues(const specs::DitSpec& spec, Weights& w)
    : k_img(w, "k_img", spec.dim, spec.dim),
      v_img(w, "v_img", spec.dim, spec.dim),
      norm_k_img(w.fp32("norm_k_img.weight", {spec.dim})) {}

CrossAttention::CrossAttention(const specs::DitSpec& spec, Weights w)
    : q(w, "q", spec.dim, spec.dim),
      k(w, "k", spec.dim, spec.dim),
      v(w, "v", spec.dim, spec.dim),
      o(w, "o", spec.dim, spec.dim),
      norm_q(w.fp32("norm_q.weight", {spec.dim})),
      norm_k(w.fp32("norm_k.weight", {spec.dim})),
      num_heads(spec.num_heads),
      eps(spec.eps) {
  if (spec.clip_dim > 0) img.emplace(spec, w);
}

KeysValues CrossAttention::text_keys_values(const Tensor& text_BSD) const {
  return {heads(kernels::rms_norm(k(text_BSD), norm_k, eps), num_heads),
          heads(v(text_BSD), num_heads)};
}

KeysValues CrossAttention::image_keys_values(const Tensor& image_BID) const {
  return {heads(kernels::rms_norm(img->k_img(image_BID), img->norm_k_img, eps), num_heads),
          heads(img->v_img(image_BID), num_heads)};
}

Tensor CrossAttention::operator()(const Tensor& x_BLD, const Context& context, size_t block) const {
  const auto q_BLNK = heads(kernels::rms_norm(q(x_BLD), norm_q, eps), num_heads);
  const auto& text = context.text[block];
  auto seen_BLNK = kernels::attention(q_BLNK, text.k_BSNK, text.v_BSNK, context.text_bias_BS);
  if (img) {
    const auto& image = context.image[block];
    seen_BLNK = seen_BLNK + kernels::attention(q_BLNK, image.k_BSNK, image.v_BSNK);
  }
  return o(seen_BLNK.flatten(2));
}

// ── block ───────────────────────────────────────────────────────────────────────────────────────

Block::Block(const specs::DitSpec& spec, Weights w)
    : modulation(w.fp32("modulation", {1, 6, spec.dim})),
      self_attn(spec, w.in("self_attn")),
      cross_attn(spec, w.in("cross_attn")),
      ffn_0(w, "ffn.0", spec.dim, spec.ffn_dim),
      ffn_2(w, "ffn.2", spec.ffn_dim, spec.dim),
      eps(spec.eps) {
  if (spec.cross_attn_norm) norm3.emplace(w.in("norm3"), spec.dim);
}

Modulation Block::modulated(const Tensor& e0_U6D, const kernels::TokenRows& rows) const {
  return {modulation + e0_U6D, rows};
}

Tensor Block::attend_to_itself(const Tensor& x_BLD,
                               const Modulation& m,
                               const kernels::Rope& rope) const {
  const auto y_BLD = kernels::modulated_layer_norm(
      x_BLD, m.row(0), m.row(1), m.rows, eps, self_attn.q.compute_type());
  return kernels::add_gated(x_BLD, self_attn(y_BLD, rope), m.row(2), m.rows);
}

Tensor Block::attend_to_context(const Tensor& x_BLD,
                                const Modulation& m,
                                const Context& context,
                                size_t block) const {
  const auto type = ffn_0.compute_type();
  const auto query_BLD =
      norm3 ? kernels::layer_norm(x_BLD, norm3->weight, norm3->bias, eps, type) : x_BLD;
  const auto seen_BLD = x_BLD + cross_attn(query_BLD, context, block);

  const auto y_BLD = kernels::modulated_layer_norm(seen_BLD, m.row(3), m.row(4), m.rows, eps, type);
  const auto fed_BLD = ffn_2(kernels::gelu_tanh(ffn_0(y_BLD)));
  return kernels::add_gated(seen_BLD, fed_BLD, m.row(5), m.rows);
}

// ── image rows ──────────────────────────────────────────────────────────────────────────────────

ImageEmbedding::ImageEmbedding(const specs::DitSpec& spec, Weights w)
    : proj_0(w.in("proj.0"), spec.clip_dim),
      proj_1(w, "proj.1", spec.clip_dim, spec.clip_dim),
      proj_3(w, "proj.3", spec.clip_dim, spec.dim),
      proj_4(w.in("proj.4"), spec.dim) {
  if (spec.image_tokens > 0) emb_pos = w.fp32("emb_pos", {1, spec.image_tokens, spec.clip_dim});
}

Tensor ImageEmbedding::operator()(const Tensor& clip_BIC) const {
  auto x_BIC = clip_BIC;
  if (emb_pos.defined()) x_BIC = x_BIC + emb_pos;
  x_BIC =
      kernels::layer_norm(x_BIC, proj_0.weight, proj_0.bias, kClipNormEps, proj_1.compute_type());
  const auto x_BID = proj_3(torch::gelu(proj_1(x_BIC)));
  return kernels::layer_norm(
      x_BID, proj_4.weight, proj_4.bias, kClipNormEps, proj_3.compute_type());
}

Context Context::sample(int64_t i) const {
  const auto narrowed = [i](const std::vector<KeysValues>& blocks) {
    std::vector<KeysValues> one;
    for (const auto& kv : blocks) {
      one.push_back({kv.k_BSNK.narrow(0, i, 1), kv.v_BSNK.narrow(0, i, 1)});
    }
    return one;
  };
  const auto bias_BS = text_bias_BS.defined() ? text_bias_BS.narrow(0, i, 1) : Tensor();
  return {narrowed(text), narrowed(image), bias_BS};
}

// ── model ───────────────────────────────────────────────────────────────────────────────────────

Dit::Dit(const specs::DitSpec& spec_, Weights w)
    : spec(spec_),
      patch_embedding_weight(w.matrix("patch_embedding.weight", {spec.dim, spec.in_dim, 1, 2, 2})),
      patch_embedding_bias(w.matrix("patch_embedding.bias", {spec.dim})),
      text_embedding_0(w, "text_embedding.0", spec.text_dim, spec.dim),
      text_embedding_2(w, "text_embedding.2", spec.dim, spec.dim),
      time_embedding_0(fp32_linear(w, "time_embedding.0", spec.freq_dim, spec.dim)),
      time_embedding_2(fp32_linear(w, "time_embedding.2", spec.dim, spec.dim)),
      time_projection_1(fp32_linear(w, "time_projection.1", spec.dim, int64_t{6} * spec.dim)),
      blocks(make_blocks(spec, w)),
      head(fp32_linear(w, "head.head", spec.dim, int64_t{4} * spec.out_dim)),
      head_modulation(w.fp32("head.modulation", {1, 2, spec.dim})) {
  if (spec.clip_dim > 0) img_emb.emplace(spec, w.in("img_emb"));
}

Context Dit::prepare(const Tensor& text_BSC,
                     const std::vector<int64_t>& lengths,
                     const Tensor& clip_BIC,
                     TextPadding padding) const {
  const int64_t longest = *std::ranges::max_element(lengths);
  if (longest > spec.text_len)
    refuse(text("a prompt has ", longest, " tokens, at most ", spec.text_len));
  if (clip_BIC.defined() != img_emb.has_value()) {
    refuse(img_emb ? "this model needs CLIP features" : "this model takes no CLIP features");
  }
  // One zero row after the longest prompt stands for all of them, unless it fills text_len.
  const int64_t rows = padding == TextPadding::written_out
                           ? spec.text_len
                           : std::min<int64_t>(longest + 1, spec.text_len);
  const auto device = text_BSC.device();
  const auto row_S = torch::arange(rows, device);
  const auto length_B1 = torch::tensor(lengths, torch::kInt64).to(device).unsqueeze(1);
  const auto given_BSC = text_BSC.narrow(1, 0, longest);
  const auto padded_BSC = torch::constant_pad_nd(given_BSC, {0, 0, 0, rows - longest});
  const auto real_BS = row_S < length_B1;
  const auto text_BSD = text_embedding_2(torch::gelu(
      text_embedding_0(padded_BSC.masked_fill(real_BS.logical_not().unsqueeze(-1), 0)), "tanh"));

  Context context;
  if (padding == TextPadding::collapsed) {
    const auto zero_rows_B1 = spec.text_len - length_B1;
    context.text_bias_BS =
        torch::where(row_S == length_B1, zero_rows_B1.to(torch::kFloat32).log(), 0.0)
            .masked_fill(row_S > length_B1, -std::numeric_limits<float>::infinity());
  }
  const auto image_BID = img_emb ? (*img_emb)(clip_BIC) : Tensor();
  for (const auto& block : blocks) {
    context.text.push_back(block.cross_attn.text_keys_values(text_BSD));
    if (img_emb) context.image.push_back(block.cross_attn.image_keys_values(image_BID));
  }
  return context;
}

namespace {

void check_latent(const specs::DitSpec& spec, const Tensor& x_BCFHW) {
  const bool fits = x_BCFHW.dim() == 5 && x_BCFHW.size(1) == spec.in_dim &&
                    x_BCFHW.size(3) % 2 == 0 && x_BCFHW.size(4) % 2 == 0;
  if (!fits) {
    refuse(text("a latent has shape ",
                x_BCFHW.sizes(),
                ", expected [batch, ",
                spec.in_dim,
                ", frames, even height, even width]"));
  }
}

// Patches of (1,2,2) as rows, channel slowest: what the patch convolution multiplies.
Tensor patches(const Tensor& x_BCFHW) {
  return x_BCFHW.unflatten(4, {-1, 2})
      .unflatten(3, {-1, 2})           // B C F h p w q
      .permute({0, 2, 3, 5, 1, 4, 6})  // B F h w C p q
      .flatten(4)
      .flatten(1, 3);
}

// The inverse for the head's rows, where the channel is fastest.
Tensor unpatched(const Tensor& x_BLE, const Dit::Start& start, int64_t channels) {
  return x_BLE.unflatten(2, {2, 2, channels})
      .unflatten(1, {start.frames, start.height, start.width})  // B F h w p q C
      .permute({0, 6, 1, 2, 4, 3, 5})                           // B C F h p w q
      .flatten(5)
      .flatten(3, 4);
}

// Distinct timesteps and which of them every token takes: only these are embedded.
std::pair<Tensor, kernels::TokenRows> distinct(const Tensor& t_BT, int64_t batch, int64_t tokens) {
  if (t_BT.dim() == 1 && t_BT.size(0) == batch) {
    const auto options = torch::TensorOptions().dtype(torch::kInt64).device(t_BT.device());
    return {t_BT, {torch::arange(batch, options).unsqueeze(1)}};
  }
  if (t_BT.dim() != 2 || t_BT.size(0) != batch || t_BT.size(1) != tokens) {
    refuse(text("timesteps have shape ",
                t_BT.sizes(),
                ", expected [",
                batch,
                "] or [",
                batch,
                ", ",
                tokens,
                "]"));
  }
  const auto [values_U, index_BT] = at::_unique(t_BT, /*sorted=*/true, /*return_inverse=*/true);
  return {values_U, {index_BT}};
}

}  // namespace

Dit::Start Dit::begin(const Tensor& x_BCFHW, const Tensor& t_BT) const {
  check_latent(spec, x_BCFHW);
  const int64_t frames = x_BCFHW.size(2);
  const int64_t height = x_BCFHW.size(3) / 2;
  const int64_t width = x_BCFHW.size(4) / 2;
  const auto [t_U, rows] = distinct(t_BT, x_BCFHW.size(0), frames * height * width);

  const auto type = text_embedding_0.compute_type();
  const auto x_BLD =
      kernels::linear(
          patches(x_BCFHW).to(type), patch_embedding_weight.flatten(1), patch_embedding_bias)
          .to(torch::kFloat32);
  const auto e_UD = time_embedding_2(
      torch::silu(time_embedding_0(sinusoidal_embedding(t_U.to(x_BCFHW.device()), spec.freq_dim))));
  const auto e0_U6D = time_projection_1(torch::silu(e_UD)).unflatten(1, {6, -1});

  Start start{
      .x_BLD = x_BLD,
      .e_UD = e_UD,
      .e0_U6D = e0_U6D,
      .rows = {rows.index_BT.to(x_BCFHW.device())},
      .rope = kernels::rope_3d(frames, height, width, spec.head_dim(), x_BCFHW.device()),
      .frames = frames,
      .height = height,
      .width = width,
  };
  const auto& first = blocks.front();
  start.x_BLD = first.attend_to_itself(x_BLD, first.modulated(e0_U6D, start.rows), start.rope);
  return start;
}

Tensor Dit::finish(const Start& start, const Context& context, const Watch& watch) const {
  auto x_BLD = start.x_BLD;
  auto rows = start.rows;
  if (x_BLD.size(0) == 1 && context.batch() > 1) {
    x_BLD = x_BLD.expand({context.batch(), -1, -1});
    rows.index_BT = rows.index_BT.expand({context.batch(), -1});
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto m = blocks[i].modulated(start.e0_U6D, rows);
    if (i > 0) x_BLD = blocks[i].attend_to_itself(x_BLD, m, start.rope);
    x_BLD = blocks[i].attend_to_context(x_BLD, m, context, i);
    if (watch) watch(i, x_BLD);
  }
  const auto m_U2D = head_modulation + start.e_UD.unsqueeze(1);
  const auto y_BLD = kernels::modulated_layer_norm(
      x_BLD, m_U2D.select(1, 0), m_U2D.select(1, 1), rows, spec.eps, torch::kFloat32);
  return unpatched(head(y_BLD), start, spec.out_dim);
}

}  // namespace models
