// SPDX-License-Identifier: Apache-2.0
// AutoencoderKLWan of diffusers (is_residual false) beside WanVAE_ of wan/modules/vae2_1.py.
#include "weights/names.h"

namespace weights {
namespace {

constexpr NameRow kModules[] = {
    // diffusers                                          official
    {"quant_conv", "conv1"},
    {"post_quant_conv", "conv2"},
    {"encoder.conv_in", "encoder.conv1"},
    {"encoder.mid_block.resnets.0", "encoder.middle.0"},
    {"encoder.mid_block.attentions.0", "encoder.middle.1"},
    {"encoder.mid_block.resnets.1", "encoder.middle.2"},
    {"encoder.norm_out", "encoder.head.0"},
    {"encoder.conv_out", "encoder.head.2"},
    {"decoder.conv_in", "decoder.conv1"},
    {"decoder.mid_block.resnets.0", "decoder.middle.0"},
    {"decoder.mid_block.attentions.0", "decoder.middle.1"},
    {"decoder.mid_block.resnets.1", "decoder.middle.2"},
    {"decoder.norm_out", "decoder.head.0"},
    {"decoder.conv_out", "decoder.head.2"},
    {"encoder.down_blocks.#", "encoder.downsamples.#"},
    {"decoder.up_blocks.0.resnets.0", "decoder.upsamples.0"},
    {"decoder.up_blocks.0.resnets.1", "decoder.upsamples.1"},
    {"decoder.up_blocks.0.resnets.2", "decoder.upsamples.2"},
    {"decoder.up_blocks.0.upsamplers.0", "decoder.upsamples.3"},
    {"decoder.up_blocks.1.resnets.0", "decoder.upsamples.4"},
    {"decoder.up_blocks.1.resnets.1", "decoder.upsamples.5"},
    {"decoder.up_blocks.1.resnets.2", "decoder.upsamples.6"},
    {"decoder.up_blocks.1.upsamplers.0", "decoder.upsamples.7"},
    {"decoder.up_blocks.2.resnets.0", "decoder.upsamples.8"},
    {"decoder.up_blocks.2.resnets.1", "decoder.upsamples.9"},
    {"decoder.up_blocks.2.resnets.2", "decoder.upsamples.10"},
    {"decoder.up_blocks.2.upsamplers.0", "decoder.upsamples.11"},
    {"decoder.up_blocks.3.resnets.0", "decoder.upsamples.12"},
    {"decoder.up_blocks.3.resnets.1", "decoder.upsamples.13"},
    {"decoder.up_blocks.3.resnets.2", "decoder.upsamples.14"},
};

constexpr NameRow kInsideResidualBlocks[] = {
    {"norm1", "residual.0"},
    {"conv1", "residual.2"},
    {"norm2", "residual.3"},
    {"conv2", "residual.6"},
    {"conv_shortcut", "shortcut"},
};

}  // namespace

NameTable vae21_names() {
  return {kModules, kInsideResidualBlocks};
}

}  // namespace weights
