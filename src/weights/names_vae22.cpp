// SPDX-License-Identifier: Apache-2.0
// AutoencoderKLWan of diffusers (is_residual true) beside WanVAE_ of wan/modules/vae2_2.py.
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
    {"encoder.down_blocks.#.resnets.#", "encoder.downsamples.#.downsamples.#"},
    {"encoder.down_blocks.#.downsampler", "encoder.downsamples.#.downsamples.2"},
    {"decoder.up_blocks.#.resnets.#", "decoder.upsamples.#.upsamples.#"},
    {"decoder.up_blocks.#.upsampler", "decoder.upsamples.#.upsamples.3"},
};

constexpr NameRow kInsideResidualBlocks[] = {
    {"norm1", "residual.0"},
    {"conv1", "residual.2"},
    {"norm2", "residual.3"},
    {"conv2", "residual.6"},
    {"conv_shortcut", "shortcut"},
};

}  // namespace

NameTable vae22_names() {
  return {kModules, kInsideResidualBlocks};
}

}  // namespace weights
