// SPDX-License-Identifier: Apache-2.0
// CLIPVisionModel of transformers (also ComfyUI's) beside the `visual` tower of
// wan/modules/clip.py. There q, k and v are apart: make_official() puts them under one another.
#include "weights/names.h"

namespace weights {
namespace {

constexpr NameRow kModules[] = {
    // transformers                                       official
    {"vision_model.embeddings.patch_embedding", "visual.patch_embedding"},
    {"vision_model.embeddings.class_embedding", "visual.cls_embedding"},
    {"vision_model.embeddings.position_embedding.weight", "visual.pos_embedding"},
    {"vision_model.pre_layrnorm", "visual.pre_norm"},
    {"vision_model.encoder.layers.#.layer_norm1", "visual.transformer.#.norm1"},
    {"vision_model.encoder.layers.#.layer_norm2", "visual.transformer.#.norm2"},
    {"vision_model.encoder.layers.#.self_attn.q_proj", "visual.transformer.#.attn.to_q"},
    {"vision_model.encoder.layers.#.self_attn.k_proj", "visual.transformer.#.attn.to_k"},
    {"vision_model.encoder.layers.#.self_attn.v_proj", "visual.transformer.#.attn.to_v"},
    {"vision_model.encoder.layers.#.self_attn.out_proj", "visual.transformer.#.attn.proj"},
    {"vision_model.encoder.layers.#.mlp.fc1", "visual.transformer.#.mlp.0"},
    {"vision_model.encoder.layers.#.mlp.fc2", "visual.transformer.#.mlp.2"},
};

}  // namespace

NameTable clip_names() {
  return {kModules, {}};
}

}  // namespace weights
