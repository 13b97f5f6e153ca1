// SPDX-License-Identifier: Apache-2.0
// The video diffusion transformer of Wan 2.1 and 2.2. Follows wan/modules/model.py: members carry
// the checkpoint's names. One struct covers text to video, the 36-channel image-conditioned models,
// the CLIP branch and per-token timesteps; the spec decides.
// B batch, C latent channels, F latent frames, H W latent size, L tokens (F * H/2 * W/2),
// S text rows, I image rows, D width, N heads, K width of a head, U distinct timesteps
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <torch/types.h>

#include "kernels/ops.h"
#include "models/layers.h"
#include "models/weights.h"
#include "specs/specs.h"

namespace models {

// Keys and values of what the blocks attend to besides the video itself.
struct KeysValues {
  Tensor k_BSNK, v_BSNK;
};

// The prompt (and the image, where the model has a CLIP branch) as every block sees it. Depends on
// nothing else, so it is made once per prompt and used at every step.
struct Context {
  std::vector<KeysValues> text;   // one per block
  std::vector<KeysValues> image;  // one per block; empty without CLIP branch
  Tensor text_bias_BS;            // added to the logits of the text rows; undefined where all 0

  int64_t batch() const { return text.front().k_BSNK.size(0); }
  // Sample i alone; views, no copies.
  Context sample(int64_t i) const;
};

// The official code attends to text_len rows: the prompt's, then zero rows (as they are after the
// text embedding). The zero rows are all alike, so that one of them with its logit raised by
// ln(text_len - L) is the same, without the work. `written_out` keeps them all and needs no bias,
// which the attention kernels of a GPU would round to bf16.
enum class TextPadding { collapsed, written_out };

// The form that is exact on the device.
TextPadding exact_padding(torch::Device device);

struct LayerNorm {
  LayerNorm(Weights w, int64_t dim);
  Tensor weight, bias;
};

// WanSelfAttention
struct SelfAttention {
  SelfAttention(const specs::DitSpec& spec, Weights w);
  Tensor operator()(const Tensor& x_BLD, const kernels::Rope& rope) const;

  Linear q, k, v, o;
  Tensor norm_q, norm_k;
  int64_t num_heads;
  double eps;
};

// The branch of WanI2VCrossAttention that looks at the image.
struct ImageKeysValues {
  ImageKeysValues(const specs::DitSpec& spec, Weights& w);

  Linear k_img, v_img;
  Tensor norm_k_img;
};

// WanT2VCrossAttention, WanI2VCrossAttention
struct CrossAttention {
  CrossAttention(const specs::DitSpec& spec, Weights w);
  KeysValues text_keys_values(const Tensor& text_BSD) const;
  KeysValues image_keys_values(const Tensor& image_BID) const;
  Tensor operator()(const Tensor& x_BLD, const Context& context, size_t block) const;

  Linear q, k, v, o;
  Tensor norm_q, norm_k;
  std::optional<ImageKeysValues> img;
  int64_t num_heads;
  double eps;
};

// The six rows of modulation of one block: shift, scale, gate before attention and before ffn.
struct Modulation {
  Tensor e_U6D;
  kernels::TokenRows rows;
  Tensor row(int64_t i) const { return e_U6D.select(1, i); }
};

// WanAttentionBlock
struct Block {
  Block(const specs::DitSpec& spec, Weights w);
  // x after self attention: all of the block that does not depend on the prompt.
  Tensor attend_to_itself(const Tensor& x_BLD,
                          const Modulation& m,
                          const kernels::Rope& rope) const;
  // x after cross attention and feed-forward.
  Tensor attend_to_context(const Tensor& x_BLD,
                           const Modulation& m,
                           const Context& context,
                           size_t block) const;
  Modulation modulated(const Tensor& e0_U6D, const kernels::TokenRows& rows) const;

  Tensor modulation;
  SelfAttention self_attn;
  std::optional<LayerNorm> norm3;
  CrossAttention cross_attn;
  Linear ffn_0, ffn_2;
  double eps;
};

// MLPProj: the CLIP features of one or two images as rows for cross attention.
struct ImageEmbedding {
  ImageEmbedding(const specs::DitSpec& spec, Weights w);
  Tensor operator()(const Tensor& clip_BIC) const;

  LayerNorm proj_0;
  Linear proj_1, proj_3;
  LayerNorm proj_4;
  Tensor emb_pos;  // undefined unless the model takes first and last frame
};

struct Dit {
  // Takes every tensor of the network out of w; the caller calls w.finish().
  Dit(const specs::DitSpec& spec, Weights w);

  // The prompt of every sample: lengths[b] rows of text_BSC count, the rest is ignored. clip_BIC
  // are the CLIP features, for models with that branch only. Differentiable. Throws Error(invalid)
  // where a prompt is longer than text_len or features are missing or not wanted.
  Context prepare(const Tensor& text_BSC,
                  const std::vector<int64_t>& lengths,
                  const Tensor& clip_BIC = {},
                  TextPadding padding = TextPadding::collapsed) const;

  // Everything of a forward pass that does not depend on the prompt: the tokens, the timestep and
  // the self attention of the first block.
  struct Start {
    Tensor x_BLD;
    Tensor e_UD, e0_U6D;
    kernels::TokenRows rows;
    kernels::Rope rope;
    int64_t frames, height, width;  // of the grid of tokens
  };

  // x_BCFHW is the latent (in_dim channels), t_BT the timestep on the 0..1000 scale: [B] per
  // sample or [B,L] per token. Throws Error(invalid) where the shapes do not fit the spec.
  Start begin(const Tensor& x_BCFHW, const Tensor& t_BT) const;

  // The velocity [B,out_dim,F,H,W] in fp32. Where the context has several samples and the start
  // one, that start is used for each of them: the branches of guidance share their beginning.
  // Training may look at the tokens after each block.
  using Watch = std::function<void(size_t block, const Tensor& x_BLD)>;
  Tensor finish(const Start& start, const Context& context, const Watch& watch = {}) const;

  Tensor operator()(const Tensor& x_BCFHW, const Tensor& t_BT, const Context& context) const {
    return finish(begin(x_BCFHW, t_BT), context);
  }

  specs::DitSpec spec;
  Tensor patch_embedding_weight, patch_embedding_bias;
  Linear text_embedding_0, text_embedding_2;
  Linear time_embedding_0, time_embedding_2, time_projection_1;
  std::optional<ImageEmbedding> img_emb;
  std::vector<Block> blocks;
  Linear head;
  Tensor head_modulation;
};

// cos then sin of t * 10000^(-i/half), angles in double. t_U any shape [U]; gives [U,dim] fp32.
Tensor sinusoidal_embedding(const Tensor& t_U, int64_t dim);

}  // namespace models
