// SPDX-License-Identifier: Apache-2.0
// The UMT5 text encoder. Follows wan/modules/t5.py (T5Encoder), in plain ATen operations so that it
// can be trained.
// B batch, L tokens, D width
#pragma once

#include <vector>

#include <torch/types.h>

#include "models/layers.h"
#include "models/weights.h"
#include "specs/specs.h"

namespace models {

// RMS norm: statistics in fp32, rounded to `type`, then scaled.
struct Umt5Norm {
  Umt5Norm(Weights& from, std::string_view name, int64_t dim);
  Tensor operator()(const Tensor& x_BLD) const;

  Tensor weight;
  torch::ScalarType type;
};

struct Umt5Attention {
  Umt5Attention(Weights from, const specs::Umt5Spec& spec);
  // bias_BNLS is added to the logits, which are not scaled.
  Tensor operator()(const Tensor& x_BLD, const Tensor& bias_BNLS) const;

  int64_t num_heads;
  Linear q, k, v, o;
};

struct Umt5FeedForward {
  Umt5FeedForward(Weights from, const specs::Umt5Spec& spec);
  Tensor operator()(const Tensor& x_BLD) const;

  Linear gate, fc1, fc2;
};

struct Umt5Block {
  Umt5Block(Weights from, const specs::Umt5Spec& spec);
  // buckets_R: the bucket of every distance key - query from 1 - L to L - 1. mask_BL as in
  // Umt5::encode_batch, or undefined where every token is real.
  Tensor operator()(const Tensor& x_BLD, const Tensor& buckets_R, const Tensor& mask_BL) const;
  // What is added to the logits, [B or 1, heads, query, key] in fp32.
  Tensor attention_bias(const Tensor& buckets_R, const Tensor& mask_BL) const;

  Umt5Norm norm1, norm2;
  Umt5Attention attn;
  Umt5FeedForward ffn;
  Tensor pos_embedding;  // [buckets, heads]: every layer has a table of its own
};

struct Umt5 {
  // Takes the tensors of the official text encoder by name. The token embedding stays where and as
  // it is in the file: only the rows of a prompt are read.
  Umt5(const specs::Umt5Spec& spec, Weights from);

  // Token ids (int64, the end token included, no padding) -> their features [L,D] in
  // placement.matrices. Equal to the first L rows of the padded official encoder.
  // Throws Error(invalid) for an id outside the vocabulary.
  Tensor encode(const Tensor& ids_L) const;

  // Padded prompts at once, for training. mask_BL is 1 (or true) for the tokens of a prompt and 0
  // for padding, whose features are zero in the result [B,L,D].
  Tensor encode_batch(const Tensor& ids_BL, const Tensor& mask_BL) const;

  specs::Umt5Spec spec;
  Placement placement;
  Tensor token_embedding;  // [vocab,D]
  std::vector<Umt5Block> blocks;
  Umt5Norm norm;
};

// The bucket of each distance key - query: half of the buckets for keys ahead, in each half one per
// distance below a quarter of all, then logarithmic up to 128.
Tensor umt5_buckets(const Tensor& distance, int64_t num_buckets);

}  // namespace models
