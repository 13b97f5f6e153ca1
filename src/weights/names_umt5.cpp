// SPDX-License-Identifier: Apache-2.0
// UMT5EncoderModel of transformers (also ComfyUI's) beside T5Encoder of wan/modules/t5.py.
#include "weights/names.h"

namespace weights {
namespace {

constexpr NameRow kModules[] = {
    // transformers                                       official
    {"shared", "token_embedding"},
    {"encoder.embed_tokens", "token_embedding"},  // the same tensor under its second name
    {"encoder.block.#.layer.0.layer_norm", "blocks.#.norm1"},
    {"encoder.block.#.layer.0.SelfAttention.q", "blocks.#.attn.q"},
    {"encoder.block.#.layer.0.SelfAttention.k", "blocks.#.attn.k"},
    {"encoder.block.#.layer.0.SelfAttention.v", "blocks.#.attn.v"},
    {"encoder.block.#.layer.0.SelfAttention.o", "blocks.#.attn.o"},
    {"encoder.block.#.layer.0.SelfAttention.relative_attention_bias",
     "blocks.#.pos_embedding.embedding"},
    {"encoder.block.#.layer.1.layer_norm", "blocks.#.norm2"},
    {"encoder.block.#.layer.1.DenseReluDense.wi_0", "blocks.#.ffn.gate.0"},
    {"encoder.block.#.layer.1.DenseReluDense.wi_1", "blocks.#.ffn.fc1"},
    {"encoder.block.#.layer.1.DenseReluDense.wo", "blocks.#.ffn.fc2"},
    {"encoder.final_layer_norm", "norm"},
};

}  // namespace

NameTable umt5_names() {
  return {kModules, {}};
}

}  // namespace weights
